"""A real OpenAI-compatible vision server whose model weighs 1 MB and knows nothing: what it says means nothing.

llama.cpp's own server (the wheel xllamacpp) with a randomly initialized language model and vision tower. The protocol,
the schema-constrained decoding and the failures are real. `python -m benchmarks._tiny_vlm FOLDER [KEY]` serves until
stdin ends.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEADS, HIDDEN, LAYERS, CONTEXT = 64, 2, 128, 2, 8192
SIDE, PATCH = 56, 14
SPECIAL = ("<unk>", "<s>", "</s>")
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
ROOT = Path(__file__).parents[1]


def write_model(folder: Path) -> None:
    """Write model.gguf (a llama) and mmproj.gguf (a CLIP tower with a LLaVA projector), always the same ones."""
    random = np.random.default_rng(0)
    _write_language_model(folder / "model.gguf", random)
    _write_vision_tower(folder / "mmproj.gguf", random)


def _normal(random: np.random.Generator, *shape: int, scale: float = 0.2) -> np.ndarray:
    return (random.standard_normal(shape) * scale).astype(np.float32)


def _write_language_model(path: Path, random: np.random.Generator) -> None:
    import gguf

    letters = ["\u2581", *map(chr, range(33, 127))]
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_scores([0.0] * 259 + [-1.0] * len(letters))
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(letters))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    embedding, output = _normal(random, len(tokens), WIDTH), _normal(random, len(tokens), WIDTH)
    embedding[:, 0] = 4.0  # a constant in the stream: nothing below writes to dimension 0
    output[:, 0] = 0.0
    output[:259, 0] = -8.0  # never a control or a raw byte token
    output[2, 0] = 0.0  # but the end of the text may come
    output[259 + 1 + (ord('"') - 33), 0] = 0.6  # strings close early
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output.weight", output)
    square, up, down = (WIDTH, WIDTH), (HIDDEN, WIDTH), (WIDTH, HIDDEN)
    parts = {"attn_q": square, "attn_k": square, "attn_v": square, "attn_output": square}
    for layer in range(LAYERS):
        for name, shape in (parts | {"ffn_gate": up, "ffn_up": up, "ffn_down": down}).items():
            weights = _normal(random, *shape)
            if name in ("attn_output", "ffn_down"):
                weights[0] = 0.0
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
    _finish(writer)


def _write_vision_tower(path: Path, random: np.random.Generator) -> None:
    import gguf

    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_name("tiny-random-vision")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_file_type(0)
    for name, value in {
        "image_size": SIDE, "patch_size": PATCH, "embedding_length": WIDTH, "feed_forward_length": HIDDEN,
        "projection_dim": WIDTH, "attention.head_count": HEADS, "block_count": LAYERS,
    }.items():  # fmt: skip
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.48, 0.46, 0.41])
    writer.add_array("clip.vision.image_std", [0.27, 0.26, 0.28])
    writer.add_bool("clip.use_gelu", False)
    writer.add_tensor("v.class_embd", _normal(random, WIDTH))
    writer.add_tensor("v.patch_embd.weight", _normal(random, WIDTH, 3, PATCH, PATCH, scale=0.05))
    writer.add_tensor("v.position_embd.weight", _normal(random, (SIDE // PATCH) ** 2 + 1, WIDTH))
    norms = ["v.pre_ln", "v.post_ln", *(f"v.blk.{layer}.{name}" for layer in range(LAYERS) for name in ("ln1", "ln2"))]
    for name in norms:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))
    square = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_out"), (WIDTH, WIDTH))
    for layer in range(LAYERS):
        for name, (rows, columns) in (square | {"ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}).items():
            writer.add_tensor(f"v.blk.{layer}.{name}.weight", _normal(random, rows, columns))
            writer.add_tensor(f"v.blk.{layer}.{name}.bias", np.zeros(rows, np.float32))
    last, bias = _normal(random, WIDTH, WIDTH), np.zeros(WIDTH, np.float32)
    last[0], bias[0] = 0.0, 4.0
    writer.add_tensor("mm.0.weight", _normal(random, WIDTH, WIDTH))
    writer.add_tensor("mm.0.bias", np.zeros(WIDTH, np.float32))
    writer.add_tensor("mm.2.weight", last)
    writer.add_tensor("mm.2.bias", bias)
    _finish(writer)


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def serve(folder: Path, key: str = "") -> None:
    """Serve the model of a folder on a free port of 127.0.0.1, print the address, and wait for the end of stdin."""
    import xllamacpp

    server: Any = xllamacpp  # its names are made at import
    parameters = server.CommonParams()
    parameters.model.path = str(folder / "model.gguf")
    parameters.mmproj.path = str(folder / "mmproj.gguf")
    parameters.mmproj_use_gpu = False
    parameters.n_ctx, parameters.n_parallel = CONTEXT, 1
    parameters.hostnames, parameters.port, parameters.n_threads_http = ["127.0.0.1"], 0, 2
    parameters.warmup, parameters.offline = False, True
    if key:
        parameters.api_keys = [key]
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads, pool.poll = 1, 0  # with more threads than free cores it spins until requests time out
    running = server.Server(parameters)
    print(f"LISTENS {running.listening_address}", flush=True)
    sys.stdin.read()


@contextmanager
def tiny_server(key: str = "") -> Iterator[str]:
    """Yield the base URL of a tiny server in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tiny-vlm-") as folder:
        write_model(Path(folder))
        command: Sequence[str] = [sys.executable, "-m", "benchmarks._tiny_vlm", folder, *([key] if key else [])]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            for line in process.stdout:
                if line.startswith("LISTENS "):
                    yield f"{line.split()[1].rstrip('/')}/v1"
                    break
            else:
                raise RuntimeError(f"the tiny server ended with {process.wait()}")
        finally:
            process.stdin.close()  # a signal may be ignored: the program that runs this decides what its children heed
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), *sys.argv[2:3])
