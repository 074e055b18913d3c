"""A folder of results and what else lies there."""

from tools.results.folder import prepare_folder


def test_files_of_the_user_stay(tmp_path):
    (tmp_path / "probe").write_text("mine")
    prepare_folder(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("probe", "mine")]
