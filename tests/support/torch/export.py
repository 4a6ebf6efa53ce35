"""Fit a small tabular network in PyTorch and export it to ONNX; run by an interpreter of its own (`make torch`).

Usage: export.py TABLE MODEL. TABLE is an .npz file with float32 `matrix` [rows, slots], whose last slot is a category's
code and whose cells may be missing (NaN), and `target` (class indices, or numbers); MODEL is the file to write.
"""

from __future__ import annotations

import sys

import numpy as np
import torch  # type: ignore[import-not-found]  # only the interpreter that runs this has it

CODES, STEPS = 4, 300


class Network(torch.nn.Module):  # type: ignore[misc]  # the checker does not see torch
    """Numbers with their missing flags, beside an embedding of the category, through one hidden layer."""

    def __init__(self, numbers: int, classes: int) -> None:
        super().__init__()
        self.numbers, self.classes = numbers, classes
        self.embedding = torch.nn.Embedding(CODES + 1, 3)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(2 * numbers + 3, 16), torch.nn.ReLU(), torch.nn.Linear(16, max(classes, 1))
        )

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        missing = torch.isnan(x)
        present = torch.where(missing, torch.zeros_like(x), x)
        numbers, code = present[:, : self.numbers], present[:, self.numbers]
        code = torch.where(missing[:, self.numbers], torch.full_like(code, CODES), code).to(torch.int64)
        flags = missing[:, : self.numbers].to(x.dtype)
        return self.layers(torch.cat([numbers, flags, self.embedding(code)], dim=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.scores(x), dim=1) if self.classes else self.scores(x)


def fitted(matrix: torch.Tensor, target: torch.Tensor, classes: int) -> Network:
    torch.manual_seed(0)
    network = Network(matrix.shape[1] - 1, classes)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(STEPS):
        optimizer.zero_grad()
        scores = network.scores(matrix)
        if classes:
            loss = torch.nn.functional.cross_entropy(scores, target.to(torch.int64))
        else:
            loss = torch.nn.functional.mse_loss(scores[:, 0], target.to(torch.float32))
        loss.backward()
        optimizer.step()
    network.eval()
    return network


def main(table: str, model: str) -> None:
    torch.set_num_threads(1)
    with np.load(table) as arrays:
        matrix, target = torch.from_numpy(arrays["matrix"]), torch.from_numpy(arrays["target"])
    classes = 0 if target.dtype.is_floating_point else int(target.max()) + 1
    name = "probabilities" if classes else "prediction"
    torch.onnx.export(
        fitted(matrix, target, classes),
        (matrix[:2],),
        model,
        dynamo=False,
        input_names=["x"],
        output_names=[name],
        dynamic_axes={"x": {0: "rows"}, name: {0: "rows"}},
        opset_version=17,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
