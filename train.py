"""Trains a model: python train.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan"""

from __future__ import annotations

from options.train_options import TrainOptions
from util.errors import check_command_line, run_command

# --help and mistakes are answered before PyTorch is imported, which takes seconds.
if __name__ == "__main__":
    check_command_line(TrainOptions.parse)

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from data import Source, create_dataset, create_loader
from data.checks.quick import files_in_words, headers_of, quick_findings
from data.held_out import as_tested, held_out_loader, open_held_out, readable
from data.loading.loader import Unreadable, skipped_lines
from models.inference.translate_dataset import AT_ONCE
from models.training.resume import resume
from models.training.setup import prepare_model
from models.training.validation import FEW, Validation
from util import distributed
from util.checkpoints.inference_settings import (
    InferenceSettings,
    images_per_norm,
    settings_by_rule,
)
from util.checkpoints.saver import NotFinite, Saver
from util.checkpoints.state import snapshot
from util.device import make_deterministic, select_device
from util.distributed.launch import process_group, start_several, wanted
from util.distributed.stop import StopRequest
from util.errors import InputError, SharedError, explain_out_of_memory
from util.files import sweep
from util.logs.logger import At
from util.logs.reporter import Reporter
from util.logs.run_start import Found, announce
from util.logs.sinks import require_packages
from util.position_seed import position_seed
from util.terminal import show_notes
from util.training.lr_schedule import base_rate, multiplier
from util.training.progress import Progress, crossed
from util.training.watchdog import Watchdog


def main(argv: Sequence[str]) -> int:
    """Runs a whole training; returns the exit status."""
    show_notes()
    with process_group():
        options = distributed.from_main(lambda: TrainOptions.parse(argv))
        if (processes := wanted(options.run.gpu_ids)) > 1:
            return start_several(__file__, argv, processes)
        with StopRequest() as stop:
            return Training(options, stop).run()


class Training:
    """One run, from its options to its last checkpoint."""

    def __init__(self, options: TrainOptions, stop: StopRequest) -> None:
        self.options, self.stop, self.is_main = options, stop, distributed.is_main()
        run, data = options.run, options.data
        if run.deterministic:
            make_deterministic()
        with distributed.together():
            device = select_device(run.gpu_ids)
            # Images of varying size would make cuDNN search for the fastest algorithm over and over.
            torch.backends.cudnn.benchmark = "crop" in data.preprocess and not run.deterministic
            self.model, arithmetic = prepare_model(options, device)
            source = Source.of(
                options.model,
                phase=run.phase,
                multiple=self.model.size_multiple,
                smallest=self.model.smallest_input,
                seed=run.seed,
            )
            dataset = create_dataset(data, source)
            # What "auto" turned out to be, so that tests and continued runs take the same.
            self.options = options = replace(options, data=replace(data, **dataset.ranges()))
            require_packages(options.log)
            self.validation = open_validation(options, device)
        self.loader = create_loader(dataset, seed=run.seed, device=device)
        self.skipped = self.loader.skipped
        self.trained = False  # until a step is taken there is nothing to save
        if self.is_main:
            sweep(options.folder)
            sweep(options.folder / "web")
        self.epoch_images = len(self.loader) * distributed.world_size()
        self.progress = Progress()
        start = resume(self.model, self.progress, options, self.epoch_images)
        self.exactly = start.exactly
        # Where a measurement decides, the last one does until the next.
        self.settings = settings_by_rule(options.values(), distributed.world_size())
        if self.validation and start.settings:
            self.settings = start.settings
        if self.is_main:
            headers = headers_of(dataset)
            findings = [found.brief for found in quick_findings(dataset, headers)]
            files = files_in_words(dataset, headers)
            found = Found(device, arithmetic, len(dataset), files, findings, start.notes)
            afresh = not (options.optim.continue_train or start.restarted)
            announce(options, self.model, found, afresh=afresh)
        self.reporter = Reporter(options, self.epoch_images, device, self.model.displayable)
        self._say = self.reporter.say
        self.saver = Saver(options.folder, options.save.keep_epochs, self._say)
        self.watchdog = Watchdog(
            options.model.gan_mode,
            base_rate(options.optim, distributed.world_size()),
            self._say,
            hints=self.is_main and not options.log.no_hints,
        )

    def run(self) -> int:
        """Trains to the last epoch, or until a signal or a failure; what was reached is saved."""
        options, progress = self.options, self.progress
        self.reporter.open(progress, self.exactly)
        ending = "failed"
        try:
            with self.saver, explain_out_of_memory():
                self._train()
            unfinished = progress.epoch <= options.optim.last_epoch and not self._gave_up()
            ending = "stopped" if unfinished else "done"
        except SharedError:
            # Raised by all: none ends, and with it the group, before the last save is done.
            distributed.gather("saved")
            raise
        finally:
            self.loader.close()
            self.reporter.close(ending)
            for line in skipped_lines(self.skipped):
                self._say(line)
        self.reporter.sum_up(progress)
        if unfinished:
            self._say("go on with the same command and --continue_train")
            return 128 + self.stop.agreed
        self._say(f"done: {options.folder}")
        return 0

    def _train(self) -> None:
        """All epochs, and a save of what was reached."""
        options, progress = self.options, self.progress
        last_epoch = options.optim.last_epoch
        try:
            while progress.epoch <= last_epoch and not self.stop.agreed and not self._gave_up():
                self._epoch()
        except Unreadable:
            if self.trained:
                self._save(["latest"], f"saving before stopping (epoch {progress.epoch})")
            raise
        if self._gave_up():
            self._say(
                f"stopping early: {progress.stale} measurements in a row without a better "
                f"{options.val.val_metrics.split(',')[0]} than {next(iter(progress.best.values())):.4g} "
                "(--early_stop; a larger one or 0 goes on)"
            )
        if self.stop.agreed and self.trained and progress.epoch <= last_epoch:
            self._save(["latest"], f"stopped by a signal: saving epoch {progress.epoch}")
        self.skipped = {
            path: why for found in distributed.gather(self.skipped) for path, why in found.items()
        }
        self.saver.finish(self.stop)

    def _epoch(self) -> None:
        progress = self.progress
        epoch, started = progress.epoch, time.perf_counter()
        first_image, first_step = progress.position, progress.iteration
        learning_rate = self._set_learning_rate()
        self._steps(epoch, learning_rate)
        if self.stop.agreed:
            return
        if progress.iteration == first_step and not first_image:
            raise SharedError(f"all {len(self.loader)} images were skipped: nothing to train on")
        self._end_epoch(epoch, learning_rate, started)

    def _steps(self, epoch: int, learning_rate: float) -> None:
        """Those that are left of the epoch, or until a signal."""
        options, progress = self.options, self.progress
        last_epoch = options.optim.last_epoch
        waiting_since = time.perf_counter()
        for batch, images, seen in self.loader.steps(epoch, progress.position, self.stop):
            step_started = time.perf_counter()
            seed = position_seed(options.run.seed, distributed.rank(), progress.iteration)
            torch.manual_seed(seed)
            step = self.model.train_step(batch)
            if self.model.averages:
                self.model.averages.update()

            before = progress.run_images
            progress.run_images += images
            progress.iteration += 1
            self.trained = True
            progress.position, progress.seen = self.loader.position, seen
            if options.optim.lr_policy == "plateau":
                watched = self.model.plateau_losses or step.losses
                progress.count_metric([step.losses[name] for name in watched])
            x = epoch - 1 + seen / self.epoch_images
            at = At(
                epoch,
                seen,
                progress.run_images,
                x,
                data=step_started - waiting_since,
                lr=learning_rate,
            )
            last = epoch == last_epoch and seen >= self.epoch_images
            self.watchdog.observe(step.losses, step.visuals, batch["A_paths"], progress.run_images)
            if shown := self.reporter.step(at, step, images, started=step_started, last=last):
                progress.curve.append([at.x, shown])
                self.saver.report()
            if crossed(before, progress.run_images, options.save.save_latest_freq):
                self.watchdog.check()
                label = f"iter_{progress.run_images}" if options.save.save_by_iter else "latest"
                self._save(
                    [label],
                    f"saving the latest model (epoch {epoch}, total_iters {progress.run_images})",
                )
            waiting_since = time.perf_counter()

    def _end_epoch(self, epoch: int, learning_rate: float, started: float) -> None:
        """Measures and saves what is due."""
        options, progress = self.options, self.progress
        last_epoch = options.optim.last_epoch
        self.watchdog.check()
        progress.next_epoch()
        labels, measured = self._validate(epoch, learning_rate), options.val.val_freq
        if epoch % options.save.save_epoch_freq == 0 or epoch == last_epoch or self._gave_up():
            labels = [str(epoch), *labels]
        if labels and self.validation and not measured:
            self._use(self.validation.run(self.model.saved_networks(), FEW).settings)
        if labels:
            message = f"saving the model at the end of epoch {epoch}, iters {progress.run_images}"
            self._save(["latest", *labels], message)
        elif any(distributed.gather(self.saver.failed)):
            self._save(["latest"], f"saving again, at the end of epoch {epoch}")
        seconds = time.perf_counter() - started
        self._say(
            f"End of epoch {epoch} / {last_epoch} \t Time Taken: {seconds:.0f} sec"
            f" \t learning rate {learning_rate:.7f}"
        )

    def _validate(self, epoch: int, learning_rate: float) -> list[str]:
        """Measures the model when that is due; returns labels for what has never been better."""
        options, progress = self.options, self.progress
        if not options.val.val_freq or self.validation is None:
            return []
        if epoch % options.val.val_freq and epoch != options.optim.last_epoch:
            return []
        started = time.perf_counter()
        outcome = self.validation.run(self.model.saved_networks())
        if not outcome.scores:
            self._say(
                "nothing to measure: no image has its truth, or --val_metrics has none for sets"
            )
            return []
        self._use(outcome.settings)
        best = progress.count_validation(outcome.scores)
        images = progress.run_images
        at = At(epoch, self.epoch_images, images, float(epoch), lr=learning_rate)
        progress.curve.append([at.x, outcome.values])
        self.reporter.scores(at, outcome.values)
        news = f", best so far: {', '.join(best)}" if best else ""
        self._say(f"measured in {time.perf_counter() - started:.0f} s{news}")
        return [f"best_{name}" for name in best]

    def _use(self, settings: InferenceSettings) -> None:
        """Takes the way in which the weights are best used, to be saved with them; tells when it is another."""
        before, self.settings = self.settings, settings
        if (settings.norm_policy, settings.averaged) != (before.norm_policy, before.averaged):
            self._say(f"test.py and translate.py from here on: {settings}")

    def _gave_up(self) -> bool:
        patience = self.options.val.early_stop
        return bool(patience) and self.progress.stale >= patience

    def _set_learning_rate(self) -> float:
        """Sets the epoch's learning rate in all optimizers and returns it."""
        progress = self.progress
        base = base_rate(self.options.optim, distributed.world_size())
        learning_rate = base * multiplier(self.options.optim, progress.epoch, progress.metric)
        self.model.set_learning_rate(learning_rate)
        return learning_rate

    def _save(self, labels: list[str], message: str) -> None:
        """Writes the networks under each label, and the state to resume from, in the background.

        All processes take part: each has something of its own to keep.
        """
        # Not "auto", which is something else on another machine.
        flags = {**self.options.values(), "precision": str(self.model.execution.precision)}
        self._say(message)
        state = snapshot(self.model, self.progress, flags, self.settings)
        if self.is_main:
            try:
                self.saver.save(state, labels)
            except NotFinite as found:
                raise InputError(f"{found}\nlikely cause: {self.watchdog.cause()}") from None


def open_validation(options: TrainOptions, device: torch.device) -> Validation | None:
    """Opens what measures the split of --val_phase.

    Without --val_freq, a few training images show how batch norm or averaged weights are best used, where that is in
    doubt; None where it is not.
    """
    val, seed, flags = options.val, options.run.seed, options.values()
    in_doubt = images_per_norm(flags, distributed.world_size()) > 1
    if not (val.val_freq or in_doubt or options.optim.ema):
        return None
    phase, names = (val.val_phase, val.val_metrics) if val.val_freq else (options.run.phase, "l1")
    dataset = open_held_out(as_tested(options), options.model, phase, seed)

    def batches(most: float) -> Iterator[dict[str, Any]]:
        return readable(held_out_loader(dataset, min(most, val.val_images), AT_ONCE, device))

    settings = settings_by_rule(flags, distributed.world_size())
    return Validation(
        options.model, batches, names, settings, in_doubt=in_doubt, seed=seed, device=device
    )


if __name__ == "__main__":
    run_command(main)
