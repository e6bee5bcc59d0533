from __future__ import annotations

import pytest

from conductor_server.model.definition import Matrix, Place
from conductor_server.model.errors import DefinitionErrors
from conductor_server.model.states import MemberRule
from conductor_server.policy.matrix import tree

REGION = Matrix(name="region")
SHOP = Matrix(name="shop", parent="region")
STORE = Matrix(name="store", parent="account")


@pytest.mark.parametrize(
    ("child", "parent", "rule", "common"),
    [
        pytest.param("account", "account", MemberRule.SAME, "account", id="same"),
        pytest.param("default", "default", MemberRule.SAME, "default", id="same-root"),
        pytest.param("account", "default", MemberRule.ANCESTOR, "default", id="root-above"),
        pytest.param("keyword", "account", MemberRule.ANCESTOR, "account", id="account-of-a-keyword"),
        pytest.param("account", "keyword", MemberRule.DESCENDANTS, "account", id="keywords-of-an-account"),
        pytest.param("default", "shop", MemberRule.DESCENDANTS, "default", id="barrier"),
        pytest.param("keyword", "store", MemberRule.COUSINS, "account", id="share-the-account"),
        pytest.param("shop", "account", MemberRule.COUSINS, "default", id="share-the-root"),
    ],
)
def test_members_meet_in_the_nearest_common_ancestor(
    child: str, parent: str, rule: MemberRule, common: str
) -> None:
    assert tree([REGION, SHOP, STORE]).member_rule(child=child, parent=parent) == (rule, common)


def test_names_come_parents_first() -> None:
    assert tree([SHOP, REGION]).names() == ["default", "account", "region", "keyword", "shop"]


def declared(name: str, parent: str, line: int) -> Matrix:
    return Matrix(name=name, parent=parent, place=Place(origin="m.yaml", line=line, column=3))


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        pytest.param(
            [declared("a", "b", 1)],
            "m.yaml:1:3: the matrix a hangs below b, which does not exist\n"
            "    remedy: declare b, or hang it below one of a, account, keyword",
            id="unknown-parent",
        ),
        pytest.param(
            [declared("a", "b", 1), declared("b", "c", 2), declared("c", "b", 3)],
            "m.yaml:2:3: the matrices b, c hang below one another\n"
            "    remedy: give one of them a parent that hangs below default",
            id="circle",
        ),
        pytest.param(
            [declared("a", "a", 1)],
            "m.yaml:1:3: the matrices a hang below one another\n"
            "    remedy: give one of them a parent that hangs below default",
            id="own-parent",
        ),
        pytest.param(
            [declared("a", "default", 1), declared("a", "account", 2)],
            "m.yaml:2:3: the matrix a is declared twice, first at m.yaml:1:3\n"
            "    remedy: declare its members in one place",
            id="twice",
        ),
        pytest.param(
            [declared("account", "default", 1)],
            "m.yaml:1:3: the matrix account is built in and cannot be declared\n"
            "    remedy: list its members under `accounts`",
            id="built-in",
        ),
        pytest.param(
            [declared("keyword", "default", 1)],
            "m.yaml:1:3: the matrix keyword hangs below account, not below default\n"
            "    remedy: write `parent: account`, or choose another name",
            id="keyword-elsewhere",
        ),
    ],
)
def test_what_is_no_tree_is_refused(matrices: list[Matrix], message: str) -> None:
    with pytest.raises(DefinitionErrors) as caught:
        tree(matrices)
    assert str(caught.value) == message
