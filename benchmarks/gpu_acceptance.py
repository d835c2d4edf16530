"""One call that accepts a graphics card: is what only runs there right, does it fit, how fast is it?

    make benchmark-gpu_acceptance OPTIONS="--seconds 480 --output ."
    PYTHONPATH=workflow_scripts python3 benchmarks/gpu_acceptance.py --seconds 480 --output .

The second line is for a machine without a network: a clean checkout and a Python with torch and torchvision suffice
(the check of Stable Diffusion needs diffusers, too). Every check has a price in seconds and is left out when less time
is left, so that a call ends by itself; each writes one JSON line at once (`acceptance.jsonl`) with the card's name and,
where there is something to pass, `passes`. The prices add up to some 1,400 seconds: another call that is given the same
folder goes on with the checks that its file does not have. What the targets are about comes first. `--tiny` runs the
same code on a processor, as the tests do.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from PIL import Image

from pretraining_robustness.networks.architectures import build
from pretraining_robustness.pretrain.self_supervised import SelfSupervised, Settings
from pretraining_robustness.store.fractal_store import FractalPictures
from pretraining_robustness.store.frame import Frame
from pretraining_robustness.store.read import Store
from pretraining_robustness.training import loop as training_loop
from pretraining_robustness.training.augmentation import Preparation, random_resized_crop
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, load_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.fractal_images import FractalImages
from pretraining_robustness.training.inference import predict_all
from pretraining_robustness.training.loop import make_optimizer, train
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import Recipe, read_recipe
from pretraining_robustness.training.state import TrainingState

CROP = {"crop": "random_resized", "scale": [0.08, 1.0], "flip": True}
Values = dict[str, Any]
Check = tuple[str, float, Callable[[], Values]]  # its name, its price in seconds on a card, and what it runs


class Acceptance:
    """The checks, at a real size on a card or at a tiny one on a processor."""

    def __init__(self, folder: Path, tiny: bool) -> None:
        self.folder, self.tiny = folder, tiny
        self.threads = 1 if tiny else 8
        self.device = training_device(self.threads)
        self.on_card = self.device.type == "cuda"
        self.card = torch.cuda.get_device_name() if self.on_card else "none"
        self.size, self.stored, self.batch = (32, 36, 8) if tiny else (224, 256, 256)
        self.ready: dict[str, float] = {}  # images a second of a ready batch, by network
        self.random = np.random.default_rng(0)

    def recipe(self, **changes: object) -> Recipe:
        """Return the recipe of pre-training, changed."""
        values = {"epochs": 3, "batch_size": self.batch, "learning_rate": 0.01, "image_size": self.size}
        return read_recipe(values | {"augmentation": CROP, "precision": "bfloat16"} | changes)

    def store(self, images: int = 2048, side: int | None = None) -> Store:
        """Return a store of noise."""
        side = side or self.stored
        path = self.folder / f"{images}_{side}.npy"
        if not path.exists():
            np.save(path, self.random.integers(0, 256, (images, side, side, 3), np.uint8))
        return Store.open(path, threads=self.threads)

    def pixels(self) -> torch.Tensor:
        """Return a stored batch on the device."""
        return torch.from_numpy(self.store().read(np.arange(self.batch))).to(self.device)

    def wait(self) -> float:
        """Wait for the card and return the time."""
        if self.on_card:
            torch.cuda.synchronize()
        return time.perf_counter()

    def machine(self) -> Values:
        """Note the card, torch and the disks' read-ahead."""
        disks = [path.read_text().strip() for path in Path("/sys/block").glob("*/queue/read_ahead_kb")]
        text: Values = {"torch": torch.__version__, "read_ahead_kb": disks}
        if self.on_card:
            free, total = torch.cuda.mem_get_info()
            text |= {"free_gb": free / 1e9, "total_gb": total / 1e9}
        return text

    def missing_card(self) -> Values:
        """A rule that asks for a card and gets none stops."""
        code = "from pretraining_robustness.training.lease import lease_card; lease_card(1)"
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        return {
            "said": done.stderr.splitlines()[-1][:200],
            "passes": "requests a GPU but none is visible" in done.stderr,
        }

    def crop_under_autocast(self) -> Values:
        """Crops are the same within autocast."""
        crops = []
        for enabled in (False, True):
            torch.manual_seed(0)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
                crops.append(random_resized_crop(self.pixels(), self.size, (0.08, 1.0), True).float())
        difference = (crops[0] - crops[1]).abs().mean().item()
        return {"mean_difference_of_255": difference, "passes": difference == 0}

    def fractals(self) -> Values:
        """Fractals drawn on the device are NumPy's."""
        side = 36 if self.tiny else 362
        pictures = FractalPictures(self.random.integers(0, 256, (50, -(-side * side // 8)), np.uint8), 10)
        rows = self.random.integers(0, len(pictures), 64)
        expected = np.empty((64, pictures.size, pictures.size, 3), np.uint8)
        pictures.read_into(rows, expected)
        drawn, positions = FractalImages(pictures, rows, self.device), torch.arange(64, device=self.device)
        same = bool((drawn.take(positions).cpu().numpy() == expected).all())
        started = self.wait()
        for _ in range(10):
            drawn.take(positions)
        return {"images_per_second": round(640 / (self.wait() - started)), "passes": same}

    def streams_agree(self) -> Values:
        """Streamed batches are the resident ones, also when the card lags behind the host."""
        order = [self.random.integers(0, 512, self.batch) for _ in range(60)]
        side = 64 if self.tiny else 4096
        load = torch.randn(side, side, device=self.device)
        sums = []
        for kind in (ResidentImages, StreamedImages):
            total = torch.zeros(len(order), dtype=torch.int64, device=self.device)
            images = kind(self.store(), np.arange(512), self.device)
            for number, (_, pixels) in enumerate(images.stream(order)):
                for _ in range(3):
                    load = torch.tanh(load @ load)
                weights = torch.arange(pixels[0].numel(), device=self.device) % 9973
                total[number] = (pixels.reshape(len(pixels), -1).long() * weights).sum()
            sums.append(total.cpu())
        return {"passes": torch.equal(*sums)}

    def training(self, builder: str, steps: int, streamed: bool = False, **changes: object) -> tuple[Any, ...]:
        """Return what `train` is given for a network: model, images, objective, recipe, ends."""
        plan, store = self.recipe(**changes), self.store()
        rows = np.arange(steps * plan.batch_size) % len(store)
        kind = StreamedImages if streamed else ResidentImages
        torch.manual_seed(0)
        labels = torch.from_numpy(rows % 10).to(self.device)
        model = build({"builder": builder}, 10)
        return model, kind(store, rows, self.device), Supervised(labels), plan, plan.epoch_ends(len(rows))

    def resume(self) -> Values:
        """A training stopped and resumed ends near an undisturbed one; equal bits are not promised on a card."""

        def stop_after_two(epoch: int) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

        losses: list[list[float]] = []
        ends: list[int] = []
        training_loop.SAVE_EVERY_SECONDS = 0
        for stopped in (False, True):
            state = TrainingState(self.folder / f"state_{stopped}", "stamp")
            if stopped:
                with suppress(KeyboardInterrupt):
                    train(*self.training("resnet18", 4, optimizer="adam")[:4], 0, state, ends, stop_after_two)
            model, images, goal, plan, ends = self.training("resnet18", 4, optimizer="adam")
            losses.append([record["loss"] for record in train(model, images, goal, plan, 0, state, ends)])
        return {"losses": losses, "passes": bool(np.allclose(*losses, rtol=1e-3))}

    def memory(self) -> Values:
        """What decides whether images stay on the card has seen a batch."""
        model, _, goal, plan, ends = self.training("resnet18", 4, epochs=1)
        images = load_images(self.store(), np.arange(4 * plan.batch_size), self.device)
        records = train(model, images, goal, plan, 0, TrainingState(self.folder / "memory", "stamp"), ends)
        return {"peak_mb": round(records[-1]["peak_gpu_memory_mb"]), "kind": type(images).__name__}

    def evaluation(self) -> Values:
        """One graph serves all batches and checkpoints, the last short batch too."""
        count = 2 * 256 + 63
        images = ResidentImages(self.store(), np.arange(count), self.device)
        small = {"builder": "DenseNet", "arguments": {"growth_rate": 4, "block_config": [2], "num_init_features": 8}}
        model = build(small if self.tiny else {"builder": "resnet18"}, 10).to(self.device).eval()
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        plan = self.recipe(compile=True)
        first, second = predict_all(model, [state, state], images, count, plan, self.device)
        graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        return {"graphs": graphs, "passes": graphs == 1 and bool((first == second).all())}

    def preparation(self) -> Values:
        """Crop, flip and normalisation of a batch, compiled."""
        pixels, ready = self.pixels(), Preparation(self.recipe(compile=True), self.device)
        ready.for_training(pixels)
        started = self.wait()
        for _ in range(20):
            ready.for_training(pixels)
        milliseconds = (self.wait() - started) * 50
        return {"ms_a_batch": milliseconds, "passes": milliseconds < 0.8}

    def ready_batch(self, builder: str, least: float = 0, **changes: object) -> Values:
        """Images a second of one batch that is on the card already: the most that the loop can reach."""
        plan = self.recipe(**{"compile": not self.tiny, **changes})
        model = build({"builder": builder}, 10).to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        network, optimizer = torch.compile(model) if plan.compile else model, make_optimizer(model.parameters(), plan)
        shape = (plan.batch_size, 3, plan.image_size, plan.image_size)
        images = torch.randn(shape, device=self.device).contiguous(memory_format=torch.channels_last)
        labels = torch.randint(0, 10, (plan.batch_size,), device=self.device)
        if self.on_card:
            torch.cuda.reset_peak_memory_stats()
        steps, started = (2 if self.tiny else 20), 0.0
        for step in range(-3, steps):
            if step == 0:
                started = self.wait()
            with torch.autocast(self.device.type, torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(network(images).float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        rate = steps * plan.batch_size / (self.wait() - started)
        peak = {"peak_gb": torch.cuda.max_memory_allocated() / 1e9} if self.on_card else {}
        if not changes:
            self.ready[builder] = rate
        return {"images_per_second": round(rate), **peak, "passes": rate >= least}

    def loop(self, builder: str, streamed: bool = False) -> Values:
        """Images a second of the training loop, its part of a ready batch's, how often it waits for the card, and how
        long saving the state takes, which the rate leaves out.
        """
        model, images, goal, plan, ends = self.training(
            builder, 4 if self.tiny else 20, streamed, compile=not self.tiny
        )
        state = TrainingState(self.folder / f"loop_{builder}_{streamed}", "stamp")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if self.on_card:
                torch.cuda.set_sync_debug_mode("warn")
            records = train(model, images, goal, plan, 0, state, ends)
            if self.on_card:
                torch.cuda.set_sync_debug_mode("default")
        waits = sum("synchroniz" in str(warning.message) for warning in caught)
        started = self.wait()
        state.save({"model": model.state_dict(), "records": records})
        seconds = {"save_s": self.wait() - started, "first_epoch_s": records[0]["seconds"]}
        rate, peak = (records[-1][key] for key in ("images_per_second", "peak_gpu_memory_mb"))
        values = {"images_per_second": round(rate), "peak_gpu_memory_mb": round(peak), "host_waits": waits}
        values |= {name: round(value, 1) for name, value in seconds.items()}
        if builder not in self.ready:  # measured by an earlier call
            return values
        part = rate / self.ready[builder]
        return values | {"part_of_ready_batch": round(part, 3), "passes": part >= 0.97 and waits < ends[-1]}

    def priced_training(self, name: str) -> list[Check]:
        """Return the two checks of a network's training."""
        least = 4400 if name == "resnet50" else 0
        return [
            (f"{name}: ready batch", 70, partial(self.ready_batch, name, least)),
            (f"{name}: loop, resident", 60, partial(self.loop, name)),
        ]

    def prediction(self, builder: str, least: float = 0, **arguments: object) -> Values:
        """Images per second and checkpoint of the pipeline's own prediction, of two checkpoints and resident images."""
        plan = self.recipe(compile=not self.tiny)
        model = build({"builder": builder, "arguments": arguments}, 10).to(self.device).eval()
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        count = 2 * self.batch if self.tiny else 2048
        images = ResidentImages(self.store(), np.arange(count), self.device)
        predict_all(model, [state, state], images, self.batch, plan, self.device)  # compiles
        started, rounds = self.wait(), 1 if self.tiny else 4
        for _ in range(rounds):
            predict_all(model, [state, state], images, count, plan, self.device)
        rate = 2 * rounds * count / (self.wait() - started)
        return {"images_per_second": round(rate), "passes": rate >= least}

    def decoding(self) -> Values:
        """Images per second and thread that are read from JPEG files of 224 pixels, as ImageNet-C's are."""
        encoded = []
        for _ in range(16 if self.tiny else 512):
            file = io.BytesIO()
            small = self.random.integers(0, 256, (28, 28, 3), np.uint8)
            Image.fromarray(small).resize((224, 224)).save(file, "jpeg", quality=85)
            encoded.append(np.frombuffer(file.getvalue(), np.uint8))
        lengths = np.array([len(one) for one in encoded])
        files = self.folder / "files.npy"
        np.save(files, np.concatenate(encoded))
        places = {"file_offset": np.cumsum(lengths) - lengths, "file_length": lengths}
        pyarrow.parquet.write_table(pyarrow.table(places), self.folder / "files.parquet")
        frame = Frame(256, "bilinear", 224)
        store = Store.open(files, self.folder / "files.parquet", self.threads, frame)
        started = time.perf_counter()
        store.read(np.arange(len(encoded)))
        rate = len(encoded) / (time.perf_counter() - started)
        return {"images_per_second": round(rate), "per_thread": round(rate / self.threads), "threads": self.threads}

    def contrastive(self, builder: str) -> Values:
        """Images per second and peak memory of SimCLR's step, whose two views double a batch."""
        model, images, goal, plan, ends = self.training(builder, 4 if self.tiny else 20, compile=not self.tiny)
        learned = SelfSupervised(model, goal.images, self.device, Settings())
        state = TrainingState(self.folder / f"simclr_{builder}", "stamp")
        records = train(model, images, learned, plan, 0, state, ends)
        values = {"images_per_second": round(records[-1]["images_per_second"])}
        return values | {"peak_gpu_memory_mb": round(records[-1]["peak_gpu_memory_mb"])}

    def diffusion(self) -> Values:
        """Images per second of Stable Diffusion v1's networks, with random weights, in 25 and 50 guided steps.

        An A100 makes 1.5 in 50 steps (4.68 batches of 16 per second and step: diffusers' documentation, "Torch 2.0").
        """
        from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel

        from pretraining_robustness.stable_diffusion.pipeline import assemble
        from pretraining_robustness.stable_diffusion.sampling import Sampler
        from pretraining_robustness.stable_diffusion.settings import Settings
        from pretraining_robustness.stable_diffusion.small_networks import make_scheduler

        class RandomEmbeddings:
            """Every prompt is the same random numbers of Stable Diffusion v1's shape."""

            values = torch.randn(1, 77, 768).bfloat16()

            def of(self, prompts: Sequence[str]) -> torch.Tensor:
                return self.values.expand(len(prompts), -1, -1)

        stages = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
        with self.device:
            torch.set_default_dtype(torch.bfloat16)
            unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
            vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512, **stages)
            torch.set_default_dtype(torch.float32)
        for network in (unet, vae):
            network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
        unet.compile(dynamic=False)
        vae.decoder.compile(dynamic=False)
        scheduler = DPMSolverMultistepScheduler.from_config(make_scheduler().config, algorithm_type="dpmsolver++")
        pipeline = assemble(vae=vae, text_encoder=None, tokenizer=None, unet=unet, scheduler=scheduler)
        rates = {}
        for steps in (25, 50):
            settings = Settings(512, 256, steps=steps, batch_size=16, precision="bfloat16", compile=True)
            sampler = Sampler(pipeline, RandomEmbeddings(), settings, self.device)  # type: ignore[arg-type]
            sampler.generate(["a"] * 16, range(16))
            started = self.wait()
            sampler.generate(["a"] * 16, range(16))
            rates[steps] = round(16 / (self.wait() - started), 2)
        return {"images_per_second": rates, "passes": rates[50] >= 3.0}

    def checks(self) -> list[Check]:
        """Return the checks: what only a card can get wrong, the targets, and then the rates of further networks."""
        names = ["resnet18"] if self.tiny else ["resnet50", "resnet18", "mobilenet_v3_large", "alexnet", "densenet121"]
        large = [] if self.tiny else [("densenet161", 256), ("densenet161", 512), ("resnet101", 512)]
        tuned: Values = {
            "optimizer": "adam",
            "batch_size": 4 if self.tiny else 16,
            "image_size": 64 if self.tiny else 448,
        }
        listed: list[Check] = [
            ("machine", 1, self.machine),
            ("a missing card stops the rule", 10, self.missing_card),
            ("crop is exact under autocast", 5, self.crop_under_autocast),
            ("fractals are NumPy's", 5, self.fractals),
            ("streamed equals resident", 15, self.streams_agree),
            ("resume", 30, self.resume),
            ("memory is measured", 20, self.memory),
            ("evaluation", 60, self.evaluation),
            ("preparation", 20, self.preparation),
        ]
        trained = [self.priced_training(name) for name in names]
        listed += [
            *trained[0],
            (f"{names[0]}: loop, streamed", 40, partial(self.loop, names[0], True)),
            ("ViT-B/16: prediction", 60, partial(self.prediction, "vit_b_16", 5000, image_size=self.size)),
            (f"{names[0]}: prediction", 60, partial(self.prediction, names[0])),
            ("files: decoding", 10, self.decoding),
            (f"{names[0]}: SimCLR", 60, partial(self.contrastive, names[0])),
        ]
        if self.on_card and not self.tiny:
            listed.append(("Stable Diffusion v1", 180, self.diffusion))
        listed += [(f"{name}: fine-tuning", 70, partial(self.ready_batch, name, **tuned)) for name in names[:3]]
        for name, batch in large:  # 512: two views of SimCLR's 256
            ready = partial(self.ready_batch, name, compile=False, batch_size=batch)
            listed.append((f"{name}: memory of {batch} images", 15, ready))
        listed += [check for checks in trained[1:] for check in checks]
        return listed


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the checks for which there is time."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--output", type=Path, default=Path())
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    report = options.output / "acceptance.jsonl"
    known = [json.loads(line)["check"] for line in report.read_text().splitlines()] if report.exists() else []
    with tempfile.TemporaryDirectory() as folder:
        acceptance = Acceptance(Path(folder), options.tiny)
        for name, price, check in acceptance.checks():
            left = options.seconds - (time.perf_counter() - began)
            if name in known or left < price:
                continue
            line: Values = {"check": name, "card": acceptance.card}
            at = time.perf_counter()
            try:
                line |= check()
            except Exception as error:  # one check that fails must not cost the others
                line |= {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:300]}", "passes": False}
            line["seconds"] = round(time.perf_counter() - at, 1)
            if acceptance.on_card:
                torch.cuda.empty_cache()
            with open(report, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)


if __name__ == "__main__":
    main()
