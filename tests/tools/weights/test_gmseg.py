"""The Keras weights, against a straightforward evaluation of the Keras graph in NumPy."""

import h5py
import numpy as np
import pytest
import torch
from scipy.special import expit

from custom_networks import NoPoolASPP, UserError
from tools.weights.convert import convert
from tools.weights.gmseg import LAYERS, convert_gmseg

NORMS = {convolution: norm for _, convolution, norm in LAYERS}


class KerasGraph:
    """The published graph, layer by layer, up to the logits of one image ``(H, W)``; weights straight from the file."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file

    def weights(self, layer: str, name: str) -> np.ndarray:
        return self.file[layer][layer][f"{name}:0"][:]

    def convolve(self, x: np.ndarray, layer: str, dilation: int = 1) -> np.ndarray:
        kernel, bias = self.weights(layer, "kernel"), self.weights(layer, "bias")
        reach = [dilation * (size // 2) for size in kernel.shape[:2]]
        padded = np.pad(x, ((reach[0],) * 2, (reach[1],) * 2, (0, 0)))
        out = np.zeros((*x.shape[:2], kernel.shape[3])) + bias
        for i, j in np.ndindex(*kernel.shape[:2]):
            shifted = padded[i * dilation : i * dilation + x.shape[0], j * dilation : j * dilation + x.shape[1]]
            out += shifted @ kernel[i, j].astype(float)
        return out

    def normalize(self, x: np.ndarray, layer: str) -> np.ndarray:
        mean, variance = self.weights(layer, "moving_mean"), self.weights(layer, "moving_variance")
        return self.weights(layer, "gamma") * (x - mean) / np.sqrt(variance + 1e-3) + self.weights(layer, "beta")

    def unit(self, x: np.ndarray, layer: str, dilation: int = 1) -> np.ndarray:
        return self.normalize(np.maximum(self.convolve(x, layer, dilation), 0), NORMS[layer])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        stem = self.unit(self.unit(image[..., None], "conv2d_1"), "conv2d_2")
        x = self.unit(self.unit(stem, "rate2_1", 2), "rate2_2", 2)
        branches = [self.unit(self.unit(x, "branch1x1_1"), "branch1x1_2")]
        for rate in (6, 12, 18, 24):
            branches.append(self.unit(self.unit(x, f"rate{rate}_1", rate), f"rate{rate}_2", rate))
        branches.insert(4, np.broadcast_to(stem.mean(axis=(0, 1)), x.shape))
        fused = self.normalize(np.concatenate(branches, axis=-1), "batch_normalization_15")
        return self.convolve(self.unit(fused, "amort"), "predictions")[..., 0]


def write_random_weights(path) -> None:
    """A file of the published layout with random numbers."""
    random = np.random.default_rng(0)
    state = NoPoolASPP().state_dict()
    with h5py.File(path, "w") as file:

        def put(layer, **arrays):
            for name, array in arrays.items():
                file.create_dataset(f"{layer}/{layer}/{name}:0", data=array.astype(np.float32))

        def convolution(layer, module):
            out, channels, height, width = state[f"{module}.weight"].shape
            kernel = random.normal(0, (2 / (height * width * channels)) ** 0.5, (height, width, channels, out))
            put(layer, kernel=kernel, bias=random.normal(0, 0.1, out))

        def norm(layer, count):
            drawn = {name: random.uniform(0.5, 1.5, count) for name in ("gamma", "moving_variance")}
            put(layer, **drawn, beta=random.normal(0, 0.2, count), moving_mean=random.normal(0, 0.2, count))

        for module, layer, norm_layer in LAYERS:
            convolution(layer, f"{module}.conv")
            norm(norm_layer, len(state[f"{module}.norm.weight"]))
        norm("batch_normalization_15", 192)
        convolution("predictions", "logits")


def assert_equal_to_keras(path) -> None:
    network = NoPoolASPP(pooled_branch="stem").eval()
    network.load_state_dict(convert_gmseg(path))
    image = np.random.default_rng(1).normal(size=(26, 31))
    with h5py.File(path) as file, torch.inference_mode():
        expected = KerasGraph(file)(image)
        found = network(torch.from_numpy(image).float()[None, None])[0, 0].numpy()
    assert expected.std() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(expit(found), expit(expected), atol=1e-4)


def test_random_weights_give_the_keras_graphs_output(tmp_path):
    write_random_weights(tmp_path / "weights.hdf5")
    assert_equal_to_keras(tmp_path / "weights.hdf5")


def test_published_weights_give_the_keras_graphs_output(gray_matter_data):
    assert_equal_to_keras(gray_matter_data / "published_weights" / "challenge_model.hdf5")


def test_concatenation_order_is_that_of_the_published_statistics(gray_matter_data):
    """After a batch normalisation the mean of a channel is its beta; so the fused statistics tell the order."""
    with h5py.File(gray_matter_data / "published_weights" / "challenge_model.hdf5") as file:
        graph = KerasGraph(file)
        means = graph.weights("batch_normalization_15", "moving_mean").reshape(6, 32)
        sources = [NORMS[f"{name}_2"] for name in ("branch1x1", "rate6", "rate12", "rate18", "conv2d", "rate24")]
        for mean, source in zip(means, sources, strict=True):
            np.testing.assert_allclose(mean, graph.weights(source, "beta"), atol=0.01)


def test_converted_checkpoint_loads_safely(tmp_path):
    write_random_weights(tmp_path / "weights.hdf5")
    (tmp_path / "stats.json").write_text('{"mean_train": 449.5, "std_train": 489.2}')
    lines = list(convert("gmseg", [tmp_path / "weights.hdf5", tmp_path / "stats.json"], tmp_path / "model.pt"))
    assert "127585 numbers" in lines[0] and "449.5" in lines[-1]
    NoPoolASPP().load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))


def test_other_files_are_refused_by_name(tmp_path):
    (tmp_path / "text.hdf5").write_text("no weights")
    with pytest.raises(UserError, match=r"text\.hdf5: not a readable HDF5 file"):
        convert_gmseg(tmp_path / "text.hdf5")
    with h5py.File(tmp_path / "empty.hdf5", "w"):
        pass
    with pytest.raises(UserError, match=r"empty\.hdf5: .*conv2d_1"):
        convert_gmseg(tmp_path / "empty.hdf5")
    write_random_weights(tmp_path / "other.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "a") as file:
        del file["amort/amort/bias:0"]
        file["amort/amort/bias:0"] = np.zeros(3, np.float32)
    with pytest.raises(UserError, match="unexpected shape"):
        convert_gmseg(tmp_path / "other.hdf5")
