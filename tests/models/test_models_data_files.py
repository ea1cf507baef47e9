"""Data files are untrusted: good ones are read exactly, bad ones refused in one line."""

import io
import zipfile

import numpy as np
import pytest

from models import data_files
from models.data import DataError, load_data

X = np.array([[0.1, -2.0], [3e-5, 4.0], [5.0, 6.0]])
Y = np.array([1.0, -1.0, 0.5])


def test_a_npz_file_is_read_with_samples_as_columns(tmp_path):
    """
    Rows of the file are samples; integers become floats; labels are optional.
    """
    np.savez(tmp_path / "both.npz", X=X, y=Y)
    np.savez_compressed(tmp_path / "X.npz", X=np.arange(6, dtype=np.int32).reshape(3, 2))

    both = load_data(str(tmp_path / "both.npz"), n=None, d=2, seed=0)
    alone = load_data(str(tmp_path / "X.npz"), n=3, d=None, seed=0)

    assert np.array_equal(X.T, both[0])
    assert np.array_equal(Y, both[1])
    assert alone[0].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert alone[1] is None


@pytest.mark.parametrize("header", ["", "a,b,label\n", "\ufeffa,b,y\n", "\n"])
def test_a_csv_file_is_read_with_or_without_a_header(tmp_path, header):
    """
    The last column is the label; blank lines and spaces do not matter.
    """
    path = tmp_path / "data.csv"
    path.write_text(header + "0.1,-2, 1\n\n3e-5,4,-1\n5,6.,.5\n", encoding="utf-8")

    got, y = load_data(str(path), n=None, d=None, seed=0)

    assert np.array_equal(X.T, got)
    assert np.array_equal(Y, y)


def test_fewer_samples_are_drawn_by_the_seed_and_keep_their_order(tmp_path):
    """
    A sample keeps its label, none is taken twice, and the choice follows the seed.
    """
    np.savez(tmp_path / "many.npz", X=np.arange(40.0)[:, None], y=np.arange(40.0))

    draws = [load_data(str(tmp_path / "many.npz"), n=8, d=1, seed=seed) for seed in (0, 0, 1)]

    for got, y in draws:
        assert np.array_equal(got[0], y)
        assert (np.diff(y) > 0).all()
    assert np.array_equal(draws[0][1], draws[1][1])
    assert not np.array_equal(draws[0][1], draws[2][1])


def _csv(tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n", "bad.csv: line 2, column 2: 'x' is not a number"),
        ("1,2\n3\n", "bad.csv: line 2 has 1 cells, not 2"),
        ("1,2\n3,nan\n", "bad.csv: y has an entry that is not finite"),
        ("inf,2\n", "bad.csv: X has an entry that is not finite"),
        ("1e999,2\n", "bad.csv: X has an entry that is not finite"),
        ("1_000,2\n1,2_0\n", "bad.csv: line 2, column 2: '2_0' is not a number"),
        ("", "bad.csv: there is no sample; write the entries of X and then the label in each line"),
        ("a,b\n", "bad.csv: there is no sample; write the entries of X and then the label in each line"),
        ("1\n2\n", "bad.csv: there is no sample; write the entries of X and then the label in each line"),
        (b"\xff\xfe1,2\n", "bad.csv: the file is not UTF-8 text"),
    ],
)
def test_a_malformed_csv_file_is_refused_with_its_line(tmp_path, text, message):
    """
    The message names the file and the place, and is one line.
    """
    with pytest.raises(DataError) as error:
        load_data(_csv(tmp_path, text), n=None, d=None, seed=0)

    assert message == str(error.value)


def test_a_csv_file_that_asks_too_much_is_refused(tmp_path):
    """
    More samples or other dimensions than the file has are named with what it has.
    """
    path = _csv(tmp_path, "1,2\n3,4\n")

    with pytest.raises(DataError, match=r"bad\.csv has 2 samples, so n = 3 is not between 1 and 2"):
        load_data(path, n=3, d=None, seed=0)
    with pytest.raises(DataError, match=r"bad\.csv has d = 1 columns of X, not d = 2"):
        load_data(path, n=1, d=2, seed=0)


def _header(shape, descr="<f8"):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text = text.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def _npz(tmp_path, **members):
    path = tmp_path / "bad.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return str(path)


def _saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"y": _saved(Y)}, "bad.npz: there is no array X"),
        ({"X": _saved(Y)}, "bad.npz: X (3,) do not fit; X is (samples, d), y is (samples,)"),
        ({"X": _saved(X), "y": _saved(X)}, "bad.npz: X (3, 2), y (3, 2) do not fit"),
        ({"X": _saved(X + 1j)}, "bad.npz: X has entries of type complex128; write real numbers"),
        ({"X": _saved(np.array([[{}]]), allow_pickle=True)}, "bad.npz: X has entries of type object"),
        ({"X": _header((2**40, 2**10)) + bytes(16)}, "bad.npz: X is cut short"),
        ({"X": _header((2, 2)) + bytes(8)}, "bad.npz: EOF: reading array data"),
        ({"X": _header((-1, -1)) + bytes(8)}, "bad.npz: X is cut short"),
        ({"X": _header("(1, 1)").replace(b"'shape'", b"'shade'") + bytes(8)}, "bad.npz: "),
        ({"X": b"not an array"}, "bad.npz: "),
        ({"X": _saved(np.zeros((0, 3)))}, "bad.npz: X (0, 3) is empty"),
        (
            {"X": _saved(X), "y": _saved(np.array([1, np.inf, 2]))},
            "bad.npz: y has an entry that is not finite",
        ),
        ({"X": _saved(X).replace(b"\x01\x00v", b"\x09\x00v", 1)}, "bad.npz: X has an unknown format version"),
    ],
)
def test_a_malformed_npz_file_is_refused(tmp_path, members, message):
    """
    Wrong contents are one line that names the file; nothing is unpickled.
    """
    with pytest.raises(DataError) as error:
        load_data(_npz(tmp_path, **members), n=None, d=None, seed=0)

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_archive_or_is_missing_is_refused(tmp_path):
    """
    Any file that cannot be read is one line that names it.
    """
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(DataError, match=r"^text\.npz: File is not a zip file$"):
        load_data(str(tmp_path / "text.npz"), n=None, d=None, seed=0)
    for name in ("folder.csv", "nothing.csv"):
        with pytest.raises(DataError, match=f"^{name}: there is no such file$"):
            load_data(str(tmp_path / name), n=None, d=None, seed=0)


def test_large_files_and_archives_that_unpack_large_are_refused(tmp_path, monkeypatch):
    """
    The limit holds for the file and for what is inside it, before either is read.
    """
    monkeypatch.setattr(data_files, "SIZE_LIMIT", 2**20)
    bomb = _npz(tmp_path, X=_header((1024, 1024)) + bytes(2**23))
    heavy = _csv(tmp_path, "1,2\n" * 2**19)

    with pytest.raises(DataError, match=r"^bad\.npz: X unpacks to more than 1 MiB$"):
        load_data(bomb, n=None, d=None, seed=0)
    with pytest.raises(DataError, match=r"^bad\.csv: the file is larger than 1 MiB$"):
        load_data(heavy, n=None, d=None, seed=0)


def test_a_line_break_in_a_file_name_stays_out_of_the_message(tmp_path):
    """
    Whatever the file is called, the message is one line.
    """
    with pytest.raises(DataError) as error:
        load_data(str(tmp_path / "a\nb.csv"), n=None, d=None, seed=0)

    assert str(error.value) == r"'a\nb.csv': there is no such file"
