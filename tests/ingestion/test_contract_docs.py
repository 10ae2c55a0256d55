from __future__ import annotations

from ingestion.casting import REASONS
from ingestion.contract import CONTRACTS
from ingestion.contract_docs import PAGE, render


def test_the_committed_page_is_what_the_contract_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m ingestion.contract_docs"


def test_the_page_names_every_column_and_every_reason() -> None:
    page = render()
    for contract in CONTRACTS.values():
        section = page.split(f"\n## {contract.name}\n")[1].split("\n## ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            column.name for column in contract.columns
        ]
    assert all(f"| `{code}` |" in page for code in REASONS)
