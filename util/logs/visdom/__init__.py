"""visdom: its server, its windows, the sink that feeds it."""
