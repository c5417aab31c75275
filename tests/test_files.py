"""Files that are whole or not there, and that never take the place of what is not ours."""

import os
import stat
import sys
from pathlib import Path

import pytest

from nnscratch.errors import OutputError
from nnscratch.files import (
    SUFFIX,
    cannot_write,
    check_distinct,
    check_output,
    sweep_stale,
    write_atomically,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def check(path, is_ours=lambda there: True, **more):
    check_output(path, "the model", is_ours=is_ours, **more)


def refused(path, *, act=check, **more):
    with pytest.raises(OutputError) as caught:
        act(path, **more)
    assert caught.value.where == str(path)
    assert caught.value.next_step
    return caught.value.what


# ------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("data", [b"", b"one", b"x" * 3_000_000])
def test_a_file_holds_what_was_written_and_nothing_else_is_left(tmp_path, data):
    (tmp_path / "f").write_bytes(b"an earlier one, longer than one")
    write_atomically(tmp_path / "f", data)
    assert (tmp_path / "f").read_bytes() == data
    assert os.listdir(tmp_path) == ["f"]


@POSIX
def test_a_file_may_be_read_by_those_whom_the_mask_allows(tmp_path):
    mask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "f", b"1")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


@POSIX
def test_a_symbolic_link_is_followed_and_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "f")
    write_atomically(tmp_path / "link", b"1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "f").read_bytes() == b"1"


def test_where_the_folder_is_missing_nothing_is_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "f", b"1")
    assert not os.listdir(tmp_path)


def test_what_cannot_take_the_place_leaves_no_temporary_file(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="f"):
        write_atomically(tmp_path / "f", b"1")
    assert os.listdir(tmp_path) == ["f"]


# ------------------------------------------------------------------------------------- sweeping


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    kept = [f"x{SUFFIX}", ".x", "model.npz"]
    for name in [*kept, f".stale{SUFFIX}"]:
        (tmp_path / name).write_bytes(b"1")
    sweep_stale(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


@POSIX
def test_a_temporary_file_whose_owner_is_alive_is_left_alone(tmp_path):
    import fcntl

    path = tmp_path / f".alive{SUFFIX}"
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sweep_stale(tmp_path)
        assert path.exists()
    sweep_stale(tmp_path)
    assert not path.exists()


@POSIX
def test_a_link_or_a_pipe_under_such_a_name_is_not_followed_and_does_not_hang(tmp_path):
    (tmp_path / "mine").write_bytes(b"1")
    (tmp_path / f".link{SUFFIX}").symlink_to(tmp_path / "mine")
    os.mkfifo(tmp_path / f".pipe{SUFFIX}")
    sweep_stale(tmp_path)
    assert (tmp_path / "mine").exists()
    assert (tmp_path / f".link{SUFFIX}").is_symlink()


# ----------------------------------------------------------------------- before work is begun


def test_a_place_that_is_free_is_fine_and_stays_free(tmp_path):
    check(tmp_path / "f", siblings=(tmp_path / "g",), room_bytes=3_000_000)
    assert not os.listdir(tmp_path)


def test_a_file_of_ours_may_be_replaced_and_is_left_as_it_is(tmp_path):
    (tmp_path / "f").write_bytes(b"ours")
    check(tmp_path / "f", is_ours=lambda there: there.read_bytes() == b"ours")
    assert (tmp_path / "f").read_bytes() == b"ours"


def test_a_file_that_is_not_ours_is_refused_unless_it_is_empty(tmp_path):
    (tmp_path / "f").write_bytes(b"theirs")
    said = refused(tmp_path / "f", is_ours=lambda there: False)
    assert said == "the model would replace a file that nnscratch did not make"
    (tmp_path / "f").write_bytes(b"")
    check(tmp_path / "f", is_ours=lambda there: False)


def test_a_folder_and_a_missing_folder_are_refused(tmp_path):
    assert refused(tmp_path) == "the model cannot be saved: that is a folder"
    said = refused(tmp_path / "no" / "f")
    assert said == "the model cannot be saved: No such file or directory"
    assert not os.listdir(tmp_path)


@POSIX
def test_a_pipe_and_a_device_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        assert "a device, a pipe or a socket, and no plain file" in refused(path)


def test_a_sibling_that_is_a_folder_is_refused_by_its_own_name(tmp_path):
    (tmp_path / "g").mkdir()
    with pytest.raises(OutputError, match="folder") as caught:
        check(tmp_path / "f", siblings=(tmp_path / "g",))
    assert caught.value.where == str(tmp_path / "g")


def test_a_name_that_is_too_long_is_refused_also_for_a_sibling(tmp_path):
    long = tmp_path / ("x" * 300)
    assert "cannot be saved" in refused(long)
    assert "cannot be saved" in refused(tmp_path / "f", siblings=(long,))


def test_looking_sweeps_what_is_stale(tmp_path):
    (tmp_path / f".stale{SUFFIX}").write_bytes(b"1")
    check(tmp_path / "f")
    assert not os.listdir(tmp_path)


def test_the_systems_own_reason_is_told():
    error = cannot_write(Path("f"), "the history", OSError(28, "No space left on device"))
    assert error.what == "the history cannot be saved: No space left on device"
    assert (error.where, error.next_step) == ("f", "choose another place or another name")
    assert cannot_write(Path("f"), "it", OSError("odd")).what == "it cannot be saved: odd"


def test_two_outputs_of_one_command_are_never_one_file(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    check_distinct({"--output": one, "--plot": other, "--history": None})
    check_distinct({"--history": None, "--plot": None})
    for same in (one, tmp_path / "x" / ".." / "a"):
        with pytest.raises(OutputError) as caught:
            check_distinct({"--output": one, "--plot": other, "--history": same})
        assert caught.value.what == "--output and --history name the same file"
        assert caught.value.where == str(same)
        assert caught.value.next_step == "give each a name of its own"
