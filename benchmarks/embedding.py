"""Measure embedding: against the bare model, against clip-retrieval, after a change of 1%, and after SIGKILL.

    python -m benchmarks.embedding [--json] [--count 256] [--rounds 3] [--kills 3] [--no-peer] [--device cpu|cuda]

The model is ViT-B-32 with random weights, saved as a checkpoint that both sides load: speed does not depend on values.
The pictures are copies as the image store keeps them (short side 336, JPEG quality 90) of the IKEA photographs in
../shared/data where they are, else made ones. "Model only" runs the same open encoder on the same pictures, prepared
before the clock starts. The three contenders take turns, and a ratio is the median of the ratios of the rounds.

clip-retrieval 2.45 runs in an environment of its own, with the same batch size and one preparing worker a core; its
rate counts the time its own log states from the first read to the last write, so loading the model is left out on
both sides.

`--device cuda` measures ViT-B-32 and ViT-L-14 on the card instead (try --count 8192): pictures a second, the share of
the model-only rate, and the share of the card's float16 matrix ceiling, measured in the same run, that the model-only
rate reaches.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.encoders.embed import EmbedSettings, ImageEncoder, embed_images
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec, get_spec
from scene_pipeline.encoders.torch_tower import TorchImageEncoder
from scene_pipeline.files import sha256_file
from scene_pipeline.images.decode import decode_image, shrink

REPOSITORY = Path(__file__).parents[1]
PHOTOGRAPHS = REPOSITORY.parent / "shared" / "data" / "ikea"
PEER = REPOSITORY / "benchmarks" / ".peers" / "clip-retrieval"
PEER_VERSION = "2.45.0"
BATCH, SHORT_SIDE, QUALITY = 16, 336, 90
CARD_BATCH = 256
SHARE_OF_MODEL, OVER_PEER, INCREMENTAL = 0.9, 1.0, 0.03
GIGAFLOP = {"ViT-B-32": 8.8, "ViT-L-14": 155.7}
"""Floating-point operations of one picture's tower, in 10^9: twice the multiply-adds that open_clip's table states."""


def make_pictures(folder: Path, count: int) -> dict[str, Path]:
    """Write `count` different pictures as the image store keeps them; return path by content hash."""
    folder.mkdir(parents=True)
    sources = sorted(PHOTOGRAPHS.glob("scenes/*.jpg")) + sorted(PHOTOGRAPHS.glob("products/*.jpg"))
    paths: dict[str, Path] = {}
    index = 0
    while len(paths) < count:
        random = np.random.default_rng(index)
        if index < len(sources):
            image = decode_image(sources[index])
        else:
            coarse = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            image = coarse.resize((448, 336), Image.Resampling.BICUBIC)
        path = folder / "new.jpg"
        shrink(image, SHORT_SIDE).save(path, quality=QUALITY)
        key = sha256_file(path)
        paths[key] = path.rename(folder / f"{key}.jpg")
        index += 1
    return paths


def make_encoder(folder: Path, model: str = "ViT-B-32") -> EncoderSpec:
    """Write a checkpoint of random weights and return its spec."""
    import open_clip
    import torch

    torch.manual_seed(0)
    path = folder / f"{model}.pt"
    torch.save(open_clip.create_model(model).state_dict(), path)
    return get_spec(f"{model}/{path}")


def model_only(encoder: ImageEncoder, prepared: np.ndarray, batch: int = BATCH) -> float:
    """Return pictures a second of the encoder on prepared pictures, with its own number of batches in flight."""
    from concurrent.futures import ThreadPoolExecutor

    batches = [prepared[at : at + batch] for at in range(0, len(prepared), batch)]
    started = time.perf_counter()
    with ThreadPoolExecutor(encoder.concurrency) as pool:
        list(pool.map(encoder.embed_arrays, batches))
    return len(prepared) / (time.perf_counter() - started)


def pipeline(encoder: ImageEncoder, paths: dict[str, Path], folder: Path, batch: int = BATCH) -> float:
    """Return pictures a second from files to a fresh store."""
    return embed_images(paths, encoder, VectorStore(folder), EmbedSettings(batch_size=batch)).per_second


def install_peer() -> None:
    """Install clip-retrieval into an environment of its own, once."""
    if (PEER / "bin" / "clip-retrieval").exists():
        return
    venv.create(PEER, with_pip=True)
    command = [str(PEER / "bin" / "pip"), "install", "-q", f"clip-retrieval=={PEER_VERSION}", "setuptools<80"]
    subprocess.run(command, check=True, stdout=sys.stderr)


def peer(spec: EncoderSpec, pictures: Path, output: Path) -> float:
    """Return pictures a second of clip-retrieval's inference, by its own log."""
    command = [
        str(PEER / "bin" / "clip-retrieval"),
        "inference",
        f"--input_dataset={pictures}",
        f"--output_folder={output}",
        f"--clip_model=open_clip:{spec.model}/{spec.weights}",
        f"--batch_size={BATCH}",
        f"--num_prepro_workers={os.cpu_count()}",
        "--enable_text=False",
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    stats = [json.loads(path.read_text()) for path in (output / "stats").glob("*.json")]
    return sum(part["sample_count"] for part in stats) / sum(part["total_duration"] for part in stats)


def incremental(encoder: ImageEncoder, paths: dict[str, Path], folder: Path) -> tuple[float, int]:
    """Return the time to embed a set in which 1% changed over the time to embed it whole, and how many changed."""
    changed = max(1, len(paths) // 100)
    old = dict(list(paths.items())[changed:])
    started = time.perf_counter()
    embed_images(old, encoder, VectorStore(folder), EmbedSettings(batch_size=BATCH))
    whole = (time.perf_counter() - started) * len(paths) / len(old)
    started = time.perf_counter()
    result = embed_images(paths, encoder, VectorStore(folder), EmbedSettings(batch_size=BATCH))
    seconds = time.perf_counter() - started
    assert result.embedded == changed
    return seconds / whole, changed


def table(folder: Path) -> bytes:
    """Return a store as bytes: its sorted keys and their vectors."""
    store = VectorStore(folder)
    return "\n".join(store.keys()).encode() + store.get(store.keys())[0].tobytes()


def killed(folder: Path, kills: int, encoder: ImageEncoder, paths: dict[str, Path]) -> tuple[int, int]:
    """Kill an embedding run `kills` times at random moments; return how many stores were good after it, and the kills.

    A store is good when it opens, has lost nothing, and, once resumed, equals byte for byte one made in one go.
    """
    random = np.random.default_rng(0)
    embed_images(paths, encoder, VectorStore(folder / "whole"), EmbedSettings(BATCH, shard_size=BATCH))
    good = 0
    for number in range(kills):
        store = folder / f"killed-{number}"
        command = [sys.executable, "-m", "benchmarks.embedding", "--victim", str(folder), "--store", str(store)]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            stop_at = random.integers(1, len(paths) - BATCH)
            for line in process.stdout:
                if int(line) >= stop_at:
                    break
            time.sleep(random.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
        before = len(VectorStore(store))
        embed_images(paths, encoder, VectorStore(store), EmbedSettings(BATCH, shard_size=BATCH))
        good += 0 < before <= len(paths) and table(store) == table(folder / "whole")
    return good, kills


def victim(folder: Path, store: Path) -> None:
    """Embed the pictures of `folder` until killed, telling how many are done."""
    spec = get_spec((folder / "encoder.txt").read_text())
    encoder = OnnxImageEncoder.open(folder / "tower.onnx", spec)
    paths = {path.stem: path for path in sorted((folder / "pictures").glob("*.jpg"))}
    settings = EmbedSettings(BATCH, shard_size=BATCH)
    embed_images(paths, encoder, VectorStore(store), settings, lambda done, _: print(done, flush=True))


def on_card(
    folder: Path, pictures: dict[str, Path], rounds: int, device: str = "cuda"
) -> tuple[list[Claim], dict[str, Any]]:
    """Measure both models in torch on `device`."""
    ceiling = matrix_ceiling(device)
    claims: list[Claim] = []
    facts: dict[str, Any] = {"device": _device_name(device), "matrix_tflops": round(ceiling, 1)}
    images = [decode_image(path) for path in pictures.values()]
    for model, gigaflop in GIGAFLOP.items():
        encoder = TorchImageEncoder.open(make_encoder(folder, model), device)
        prepared = np.stack([encoder.prepare(image) for image in images])
        model_only(encoder, prepared[: 2 * CARD_BATCH], CARD_BATCH)
        bare = [model_only(encoder, prepared, CARD_BATCH) for _ in range(rounds)]
        full = [pipeline(encoder, pictures, folder / f"{model}-{turn}", CARD_BATCH) for turn in range(rounds)]
        share = statistics.median(full) / statistics.median(bare)
        facts[model] = {
            "model_only_per_s": round(statistics.median(bare), 1),
            "pipeline_per_s": round(statistics.median(full), 1),
            "share_of_matrix_ceiling": round(statistics.median(bare) * gigaflop / 1e3 / ceiling, 3),
        }
        name = f"{model} on {device}: pipeline rate over model-only rate"
        against = "the same tower on prepared pictures"
        claims.append(at_least(name, share, SHARE_OF_MODEL, unit="ratio", against=against, n=len(pictures)))
    return claims, facts


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else platform.machine()


def matrix_ceiling(device: str, side: int = 8192, repeats: int = 20) -> float:
    """Return the matrix products the device does (float16 on CUDA), in 10^12 operations a second."""
    import torch

    on_cuda = device == "cuda"
    left = torch.randn(side, side, device=device, dtype=torch.float16 if on_cuda else torch.float32)
    torch.matmul(left, left)
    if on_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(repeats):
        torch.matmul(left, left)
    if on_cuda:
        torch.cuda.synchronize()
    return 2 * side**3 * repeats / (time.perf_counter() - started) / 1e12


def on_cpu(folder: Path, paths: dict[str, Path], arguments: argparse.Namespace) -> tuple[list[Claim], dict[str, Any]]:
    """Measure ViT-B-32 in ONNX Runtime, clip-retrieval beside it, the increment and the kills."""
    spec = make_encoder(folder)
    (folder / "encoder.txt").write_text(spec.id)
    samples = [decode_image(path) for path in list(paths.values())[:8]]
    encoder = OnnxImageEncoder.open(_exported(spec, folder, samples), spec)
    prepared = np.stack([encoder.prepare(decode_image(path)) for path in paths.values()])
    contenders: dict[str, Callable[[int], float]] = {
        "model_only": lambda turn: model_only(encoder, prepared),
        "pipeline": lambda turn: pipeline(encoder, paths, folder / f"store-{turn}"),
    }
    if not arguments.no_peer:
        install_peer()
        contenders["clip_retrieval"] = lambda turn: peer(spec, folder / "pictures", folder / f"peer-{turn}")
    model_only(encoder, prepared[: 2 * BATCH])
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(arguments.rounds):
        for name, run in contenders.items():
            rates[name].append(run(turn))
    claims = [_ratio(rates, "model_only", SHARE_OF_MODEL, "the same ONNX tower on prepared pictures", len(paths))]
    if not arguments.no_peer:
        claims.append(
            _ratio(rates, "clip_retrieval", OVER_PEER, f"clip-retrieval {PEER_VERSION}, same run", len(paths))
        )
    shares = [incremental(encoder, paths, folder / f"incremental-{turn}") for turn in range(arguments.rounds)]
    claims.append(
        at_most(
            "time to embed again when 1% changed, over the time to embed all",
            statistics.median(share for share, _ in shares),
            INCREMENTAL,
            unit="ratio",
            against=f"the whole set in the same run ({shares[0][1]} of {len(paths)} changed)",
            n=arguments.rounds,
        )
    )
    good, kills = killed(folder, arguments.kills, encoder, paths)
    claims.append(
        at_least(
            "stores bit-identical after SIGKILL at a random moment and a resume",
            good,
            kills,
            unit="stores",
            against="a store made in one go",
            n=kills,
        )
    )
    medians = {f"{name}_per_s": round(statistics.median(values), 2) for name, values in rates.items()}
    return claims, {"medians": medians, "rounds": rates}


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _exported(spec: EncoderSpec, folder: Path, samples: Sequence[Image.Image]) -> Path:
    from scene_pipeline.encoders.export import export_onnx

    return export_onnx(spec, folder / "tower.onnx", samples).path


def _ratio(rates: dict[str, list[float]], other: str, bound: float, against: str, n: int) -> Claim:
    ratios = [ours / theirs for ours, theirs in zip(rates["pipeline"], rates[other], strict=True)]
    name = f"ViT-B-32 on the CPU: pipeline rate over {other.replace('_', '-')} rate"
    return at_least(name, statistics.median(ratios), bound, unit="ratio", against=against, n=n)


def main() -> int:
    """Print the claims; 0 when all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--count", type=int, default=256, help="pictures")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--kills", type=int, default=3, help="runs that are killed")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what runs the model")
    parser.add_argument("--no-peer", action="store_true", help="leave clip-retrieval out")
    parser.add_argument("--victim", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not _has_cuda():
        parser.error("there is no CUDA device here")
    if arguments.count < 100:
        parser.error("--count must be at least 100, so that 1% of it is a picture")
    if arguments.victim is not None:
        victim(arguments.victim, arguments.store)
        return 0
    with tempfile.TemporaryDirectory(prefix="embedding-") as name:
        folder = Path(name)
        paths = make_pictures(folder / "pictures", arguments.count)
        if arguments.device == "cuda":
            claims, facts = on_card(folder, paths, arguments.rounds)
        else:
            claims, facts = on_cpu(folder, paths, arguments)
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    return report(claims, arguments, machine=machine, **facts)


if __name__ == "__main__":
    sys.exit(main())
