"""What ours is compared with must be fair: peers learn what can be learnt, and know all classes."""

from __future__ import annotations

import numpy as np
import pytest

from bench.peers import peers

WORDS = (("路灯", "不亮", "坏了"), ("噪音", "太吵", "睡不着"), ("停水", "水压", "没水"))


@pytest.mark.parametrize("name", ["svc", "svc_balanced", "words_logistic", "fasttext"])
def test_a_peer_learns(name: str) -> None:
    if name not in peers():
        pytest.skip("fastText is not installed; bench/peers.py names the package")
    texts = [f"{a}{b}，{a}的事第{n}次" for row in WORDS for n in range(12) for a in row for b in row if a != b]
    y = np.repeat(np.arange(3), len(texts) // 3)
    scores = peers()[name](texts, y, ["路灯坏了", "水压不够没水", "吵得睡不着"], 4)
    assert scores.shape == (3, 4), "a class without an example still has its column"
    assert scores.argmax(axis=1).tolist() == [0, 2, 1]
