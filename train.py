"""Trains a model: python train.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan"""

from __future__ import annotations

from options.train_options import TrainOptions
from util.errors import check_command_line, run_command

# --help and mistakes are answered before PyTorch is imported, which takes seconds.
if __name__ == "__main__":
    check_command_line(TrainOptions.parse)

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from data import Source, create_dataset, create_loader
from data.checks.quick import files_in_words, headers_of, quick_findings
from data.held_out import open_fixed_items, validation_batches
from data.loading.loader import Loader, Unreadable, skipped_lines
from models.engine.ema import decay_per_step
from models.inference.translate_dataset import AT_ONCE
from models.training.examples import Examples
from models.training.resume import resume
from models.training.setup import prepare_model
from models.training.twin import Twin
from models.training.validation import FEW, open_validation
from util import distributed
from util.checkpoints.inference_settings import InferenceSettings, settings_by_rule
from util.checkpoints.lock import RunLock
from util.checkpoints.saver import NotFinite, Saver
from util.checkpoints.state import snapshot
from util.device import make_deterministic, select_device
from util.distributed.launch import process_group, start_several, wanted
from util.distributed.stop import STOPPED, TIME_LIMIT, StopRequest
from util.errors import InputError, SharedError, explain_out_of_memory
from util.files import sweep
from util.logs.reporter import Reporter
from util.logs.run_start import Found, announce
from util.logs.sinks import require_packages
from util.position_seed import position_seed
from util.terminal import show_notes
from util.training.lr_schedule import base_rate, epoch_rate
from util.training.progress import Progress, crossed
from util.training.watchdog import Watchdog


def main(argv: Sequence[str]) -> int:
    """Runs a whole training; returns the exit status."""
    show_notes()
    with process_group():
        options = distributed.from_main(lambda: TrainOptions.parse(argv))
        if (processes := wanted(options.run.gpu_ids)) > 1:
            return start_several(__file__, argv, processes)
        with StopRequest(options.run.time_limit) as stop, RunLock(options.folder) as lock:
            return train(options, stop, lock)


def train(options: TrainOptions, stop: StopRequest, lock: RunLock) -> int:
    """Trains to the last epoch, or until a signal or a failure; returns the exit status.

    All processes of a group run it in step; only the first one writes files and talks to people.
    """
    # Set up the device, the networks and the data.
    run, optim, val, freq = options.run, options.optim, options.val, options.save
    is_main, world_size = distributed.is_main(), distributed.world_size()
    if run.deterministic:
        make_deterministic()
    with distributed.together():
        device = select_device(run.gpu_ids)
        # Images of varying size would make cuDNN search for the fastest algorithm over and over.
        torch.backends.cudnn.benchmark = "crop" in options.data.preprocess and not run.deterministic
        model, arithmetic = prepare_model(options, device)
        source = Source.of(
            options.model,
            phase=run.phase,
            multiple=model.size_multiple,
            smallest=model.smallest_input,
            seed=run.seed,
        )
        dataset = create_dataset(options.data, source)
        # What "auto" turned out to be, so that tests and continued runs take the same.
        options = replace(options, data=replace(options.data, **dataset.ranges()))
        require_packages(options.log)
        open_batches = partial(validation_batches, options, AT_ONCE, device)
        twin = Twin(options.model, run.seed, device)
        validation = open_validation(options, open_batches, twin, dataset.values)
        fixed = open_fixed_items(options, options.log.examples, device) if is_main else None
        examples = Examples(twin, fixed.batches) if fixed else None
    loader = create_loader(dataset, seed=run.seed, device=device)
    epoch_images = len(loader) * world_size
    if optim.ema:
        step_images = options.data.batch_size * world_size
        run_images = epoch_images * optim.last_epoch
        model.average(decay_per_step(optim.ema, step_images, run_images))

    # Resume from what was saved.
    distributed.from_main(lock.acquire)
    if is_main:
        sweep(options.folder)
        sweep(options.folder / "web")
    progress = Progress()
    start = resume(model, progress, options, epoch_images)
    first_step = progress.iteration
    # How the weights are best used: where a measurement decides, the last one does until the next.
    settings = settings_by_rule(options.values(), world_size)
    if validation and start.settings:
        settings = start.settings

    # Announce what was found.
    if is_main:
        headers = headers_of(dataset)
        findings = [found.brief for found in quick_findings(dataset, headers)]
        findings += [validation.note] if validation and validation.note else []
        files = files_in_words(dataset, headers)
        found = Found(device, arithmetic, len(dataset), files, findings, start.notes)
        announce(options, model, found, afresh=not (optim.continue_train or start.restarted))
    reporter = Reporter(options, progress, device, model.displayable)
    saver = Saver(options.folder, freq.keep_epochs, reporter.say)
    watchdog = Watchdog(
        options.model.gan_mode,
        base_rate(optim, world_size),
        reporter.hint,
        hints=is_main and not options.log.no_hints,
        guessing_NCE=model.guessing_NCE,
    )
    # Not "auto", which means something else on another machine.
    flags = {**options.values(), "precision": str(model.execution.precision)}

    def save(labels: list[str]) -> None:
        """Writes the networks under each label, and the state to resume from, in the background."""
        # All processes take part: each has something of its own.
        state = snapshot(model, progress, flags, settings)
        if is_main:
            try:
                saver.save(state, labels)
            except NotFinite as found:
                raise InputError(f"{found}\nlikely cause: {watchdog.cause()}") from None

    def use(found: InferenceSettings) -> None:
        """Takes the way in which the weights are best used, to be saved with them; tells when it is another."""
        nonlocal settings
        before, settings = settings, found
        if (found.norm_policy, found.averaged) != (before.norm_policy, before.averaged):
            reporter.say(f"test.py and translate.py from here on: {found}")

    def save_before_stopping(reason: str) -> None:
        if progress.iteration > first_step:  # else there is nothing new to save
            reporter.say(f"{reason}: saving epoch {progress.epoch}")
            save(["latest"])

    def gave_up() -> bool:
        return 0 < val.early_stop <= progress.stale

    shown = {"phase": fixed.phase, "names": fixed.names} if fixed else {}
    reporter.open(exactly=start.exactly, examples=shown)
    with orderly_end(loader, reporter, saver, save_before_stopping):
        while progress.epoch <= optim.last_epoch and not stop.agreed and not gave_up():
            epoch, epoch_started = progress.epoch, time.perf_counter()
            first_image, epoch_first_step = progress.position, progress.iteration
            learning_rate = epoch_rate(optim, epoch, progress.metric, world_size)
            model.set_learning_rate(learning_rate)

            # Steps that are left of the epoch.
            waiting_since = time.perf_counter()
            for batch, images, seen in loader.steps(epoch, progress.position, stop):
                step_started = time.perf_counter()
                seed = position_seed(run.seed, distributed.rank(), progress.iteration)
                torch.manual_seed(seed)
                step = model.train_step(batch)
                if model.averages:
                    model.averages.update()

                # Count.
                before = progress.run_images
                progress.advance(images, position=loader.position, seen=seen)
                if optim.lr_policy == "plateau":
                    progress.count_metric(model.plateau_metric(step.losses))

                # Watch and log.
                watchdog.observe(step.losses, step.visuals, batch["A_paths"], progress.run_images)
                waited = step_started - waiting_since
                reporter.step(step, images, learning_rate, waited=waited, started=step_started)
                saver.report()

                # Save within the epoch, slow training at least every ten minutes; all processes decide alike.
                due = crossed(before, progress.run_images, freq.save_latest_freq)
                printed = crossed(before, progress.run_images, options.log.print_freq)
                if due or (printed and any(distributed.gather(is_main and saver.late))):
                    watchdog.check()
                    by_iter = due and freq.save_by_iter
                    label = f"iter_{progress.run_images}" if by_iter else "latest"
                    at = f"epoch {epoch}, total_iters {progress.run_images}"
                    reporter.saving(f"saving the latest model ({at})")
                    save([label])
                waiting_since = time.perf_counter()
            if stop.agreed:
                break
            if progress.iteration == epoch_first_step and not first_image:
                raise SharedError("every image was skipped: nothing to train on")
            watchdog.check()
            progress.next_epoch()

            # Validate.
            labels: list[str] = []
            last = epoch == optim.last_epoch
            if validation and val.val_freq and (last or epoch % val.val_freq == 0):
                started = time.perf_counter()
                outcome = validation.run(model.saved_networks())
                if outcome.scores:
                    best = progress.count_validation(outcome.scores)
                    reporter.validation(epoch, outcome.values, best, learning_rate, started=started)
                    labels = [f"best_{name}" for name in best]
                    use(outcome.settings)
                else:
                    reporter.say(outcome.why_empty())

            if examples:
                pictures = examples.translate(model.saved_networks(), settings)
                reporter.examples(epoch, pictures, learning_rate)

            # Save at the end of the epoch.
            if last or epoch % freq.save_epoch_freq == 0 or gave_up():
                labels = [str(epoch), *labels]
            if labels and validation and not val.val_freq:
                use(validation.run(model.saved_networks(), FEW).settings)
            if labels:
                at = f"epoch {epoch}, iters {progress.run_images}"
                reporter.saving(f"saving the model at the end of {at}")
                save(["latest", *labels])
            elif any(distributed.gather(is_main and saver.overdue)):
                at = f"epoch {epoch}, total_iters {progress.run_images}"
                reporter.saving(f"saving the latest model ({at})")
                save(["latest"])
            reporter.end_epoch(epoch, learning_rate, started=epoch_started)

        # Finish.
        finished = progress.epoch > optim.last_epoch or gave_up()
        if gave_up():
            reporter.say(
                f"stopping early: {progress.stale} measurements in a row without a better "
                f"{next(iter(progress.best))} than {next(iter(progress.best.values())):.4g} "
                "(--early_stop; raise it, or set it to 0, to train longer)"
            )
        elif not finished:
            asked = "the time limit" if stop.agreed == TIME_LIMIT else "a signal"
            save_before_stopping(f"stopped by {asked}")
        loader.share_skipped()
        saver.finish(stop)
        reporter.ending = "stopped" if not finished else "diverged" if watchdog.ran_away else "done"

    reporter.sum_up()
    if watchdog.ran_away:
        reporter.say(f"warning: this training has diverged ({watchdog.ran_away})")
    if not finished:
        reporter.say("to continue, run the same command with --continue_train")
        return STOPPED
    reporter.say(f"done: {options.folder}")
    return 0


@contextmanager
def orderly_end(
    loader: Loader, reporter: Reporter, saver: Saver, save_before_stopping: Callable[[str], None]
) -> Iterator[None]:
    """Waits for the last save and ends loader processes and logs, however the block ends."""
    try:
        with saver, explain_out_of_memory():
            try:
                yield
            except Unreadable:
                save_before_stopping("stopped by a failure")
                raise
    except BaseException as error:
        reporter.fail(error)
        if isinstance(error, SharedError):
            # Raised by all: none ends, and with it the group, before the last save is done.
            distributed.gather("saved")
        raise
    finally:
        loader.close()
        reporter.close()
        for line in skipped_lines(loader.skipped):
            reporter.say(line)


if __name__ == "__main__":
    run_command(main)
