import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from nlu.e5 import E5Small
from nlu.encoder import HEAD, TAIL, CachedEncoder, excerpt
from nlu.evidence import _segmenter, evidence
from nlu.heads import GramWeights, Ngrams, blend
from nlu.reader import Reader
from nlu.store import Model
from nlu.training import fit
from nlu.training.evaluate import expected_calibration_error, macro_f1, top
from nlu.training.fit import _ridge, add_products


@given(st.integers(1, 5), st.integers(2, 6), st.floats(0, 30, width=32), st.integers(0, 2**32 - 1))
def test_probabilities_sum_to_one(rows: int, labels: int, weight: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    views = [draw.normal(0, 20, (rows, labels)).astype(np.float32) for _ in range(2)]
    p = blend(views, np.array([weight, 1.0], np.float32), draw.normal(0, 4, labels).astype(np.float32))
    assert p.shape == (rows, labels)
    assert np.all(p >= 0) and np.allclose(p.sum(axis=1), 1, atol=1e-5)


def test_every_head_of_a_real_model_is_calibrated_to_sum_to_one(reader: Reader) -> None:
    chances = reader.probabilities(["路灯不亮", "秤不准", "", "zzz"])
    assert set(chances) == {"department", "item", "urgency", "hazard", "kind"}
    for name, p in chances.items():
        assert np.allclose(p.sum(axis=1), 1, atol=1e-5), name
        assert p.shape == (4, len(reader.model.heads[name].labels))


def test_calibrating_finds_the_view_that_knows() -> None:
    draw = np.random.default_rng(1)
    y = draw.integers(0, 3, 300)
    knows = np.eye(3, dtype=np.float32)[y] + draw.normal(0, 0.3, (300, 3)).astype(np.float32)
    mix, bias = fit.calibrate([knows, draw.normal(0, 1, (300, 3)).astype(np.float32)], y)
    assert mix[0] > 10 * mix[1]
    assert np.abs(bias).max() < 1


def test_a_threshold_keeps_the_bar_or_is_never_reached() -> None:
    p = np.array([[0.99, 0.01]] * 60 + [[0.6, 0.4]] * 60, np.float32)
    y = np.array([0] * 60 + [0, 1] * 30)
    assert fit.auto_threshold(p, y, 0.95, least=50) == pytest.approx(0.99)
    assert fit.auto_threshold(p, 1 - y, 0.95, least=50) == 1.01
    assert fit.auto_threshold(p[:20], y[:20], 0.95, least=50) == 1.01  # too few to mean something


def test_a_conformal_threshold_covers() -> None:
    draw = np.random.default_rng(2)
    p = draw.dirichlet([0.5] * 4, 2000)
    y = np.array([draw.choice(4, p=row) for row in p])
    threshold = fit.conformal_threshold(p.astype(np.float32), y, 0.9)
    assert 0.88 < np.mean(p[np.arange(2000), y] >= threshold - 1e-6) < 0.93


def test_figures() -> None:
    p, y = np.array([[0.9, 0.1, 0], [0.2, 0.3, 0.5], [0, 0.6, 0.4]], np.float32), np.array([0, 1, 1])
    assert top(p, y, 1) == pytest.approx(2 / 3) and top(p, y, 2) == 1
    assert macro_f1(p.argmax(axis=1), y) == pytest.approx((1 + 2 / 3) / 2)
    assert 0 <= expected_calibration_error(p, y) <= 1


@settings(max_examples=40)
@given(st.text(alphabet="路灯不亮坏了秤准渡轮ＡB，。 \n😀", max_size=40))
def test_what_the_letters_add_is_the_linear_score(model: Model, text: str) -> None:
    head = model.heads["department"]
    row = model.ngrams.transform([text])
    parts = model.ngrams.contributions(text, row, lambda grams: head.gram_weights.rows(grams)[:, 0])
    assert parts.shape == (len(text),)
    whole = head.gram_weights.times(row)[0, 0]
    assert parts.sum() == pytest.approx(whole, abs=1e-3)


def test_weights_in_8_bits_stay_close() -> None:
    weights = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32) * np.logspace(-6, 1, 50)[:, None]
    weights[3] = 0
    packed, grams = GramWeights.of(weights), csr_matrix(np.eye(50, dtype=np.float32)[[3, 0, 49]])
    half_a_step = np.abs(weights).max(axis=1, keepdims=True) / 254
    assert (np.abs(packed.rows(np.arange(50)) - weights) <= 1.001 * half_a_step + 1e-12).all()
    assert np.array_equal(packed.times(grams), packed.rows(np.array([3, 0, 49])))


def test_a_vocabulary_comes_back_the_same() -> None:
    ngrams, _ = Ngrams.fit(["路灯不亮", "路灯坏了", "秤不准"], min_count=1)
    again = Ngrams.restore(ngrams.vocabulary, ngrams.idf)
    assert (again.transform(["路灯"]) != ngrams.transform(["路灯"])).nnz == 0


@settings(max_examples=60)
@given(st.text(alphabet="路灯不亮坏了秤准渡轮码头停航市场，。！？ \n😀A１", max_size=60))
def test_evidence_lies_in_the_text_and_is_cut_at_words(model: Model, text: str) -> None:
    head = model.heads["department"]
    borders = {0} | {end for _, _, end in _segmenter().tokenize(text)}
    found = evidence(text, model.ngrams.transform([text]), model.ngrams, head, 1)
    assert len(found) <= 4
    for before, after in zip(found, found[1:], strict=False):
        assert before.end <= after.start
    for span in found:
        assert 0 <= span.start < span.end <= len(text)
        assert {span.start, span.end} <= borders
        assert 0 < span.weight <= 1
        assert any(c.isalnum() for c in text[span.start : span.end])
    assert sum(span.weight for span in found) <= 1.001


def test_evidence_names_the_words_that_decide(reader: Reader) -> None:
    text = "你好，我家门口的路灯不亮了"
    reading = reader.read(text)
    assert reading.department == "lamps"
    assert any("灯" in text[e.start : e.end] for e in reading.evidence)


def test_vectors_have_unit_length_and_empty_texts_none(encoder: E5Small) -> None:
    vectors = encoder.encode(["路灯不亮", "", "  ", "a"])
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 1], atol=1e-5)


def test_a_text_after_nul_is_encoded_too(encoder: E5Small) -> None:
    whole, cut, plain = encoder.encode(["你好\0楼下着火了", "你好", "你好 楼下着火了"])
    assert not np.allclose(whole, cut)
    assert np.allclose(whole, plain, atol=1e-5)


def test_a_cache_gives_the_same_vectors_and_survives_damage(encoder: E5Small, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "deep" / "vectors.sqlite"
    cached = CachedEncoder(encoder, path)
    texts = ["灯", "秤", "灯", "\ud800"]
    fresh = cached.encode(texts)
    assert np.allclose(fresh, encoder.encode(texts), atol=1e-5)

    class Refuses:
        name, dimensions = encoder.name, encoder.dimensions

        def encode(self, texts, progress=None):  # type: ignore[no-untyped-def]
            assert not texts
            return np.zeros((0, self.dimensions), np.float32)

    assert np.array_equal(CachedEncoder(Refuses(), path).encode(texts), fresh)
    path.write_bytes(b"no database at all" * 100)
    assert np.allclose(cached.encode(texts[:1]), fresh[:1], atol=1e-5)
    assert cached.encode([]).shape == (0, 384)
    assert "灯".encode() not in path.read_bytes()


def test_a_long_text_costs_no_more_than_its_beginning_and_end(reader: Reader) -> None:
    asked = []

    class Listens:
        name, dimensions = reader.encoder.name, reader.encoder.dimensions

        def encode(self, texts, progress=None):  # type: ignore[no-untyped-def]
            asked.extend(texts)
            return np.zeros((len(texts), self.dimensions), np.float32)

    Reader(reader.model, Listens(), reader.city).read("开" * 150 + "路灯不亮" * 1000 + "完")
    assert asked == ["开" * HEAD + ("路灯不亮" * 1000)[-TAIL + 1 :] + "完"]
    assert excerpt("路" * (HEAD + TAIL)) == "路" * (HEAD + TAIL)


def test_the_kernel_is_the_product_of_the_grams() -> None:
    rng = np.random.default_rng(3)
    grams = csr_matrix(rng.random((40, 1500), np.float32) * (rng.random((40, 1500)) < rng.random(1500)))
    kernel = np.ones((40, 40), np.float32)
    add_products(kernel, grams)
    assert np.allclose(kernel, 1 + (grams @ grams.T).toarray(), atol=1e-3)


def test_left_out_predictions_are_those_of_a_fit_without_the_text() -> None:
    rng = np.random.default_rng(5)
    x = rng.random((12, 6), np.float32)
    target, penalty = rng.random((12, 2), np.float32), np.full(12, 0.5, np.float32)
    kernel = x @ x.T
    duals, held = _ridge(kernel.copy(), target, penalty)
    assert np.allclose(duals, np.linalg.solve(kernel + 0.5 * np.eye(12), target), atol=1e-3)
    for left in range(12):
        kept = np.arange(12) != left
        without = np.linalg.solve(kernel[np.ix_(kept, kept)] + 0.5 * np.eye(11), target[kept])
        assert np.allclose(held[left], kernel[left, kept] @ without, atol=1e-3)
