from __future__ import annotations

import json
from typing import Any

from penstock.audit.tree import ROOT, PrefixTree
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.audit.traffic import one_shot


def view(body: dict[str, Any]) -> View:
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())


def add(tree: PrefixTree, body: dict[str, Any]) -> int:
    segments = view(body).segments
    return tree.add(segments, [float(segment.size) for segment in segments])


def test_a_shared_prefix_is_kept_once() -> None:
    tree = PrefixTree()
    one, two = add(tree, one_shot("system", "a")), add(tree, one_shot("system", "b"))
    assert len(tree.nodes) == 3
    assert tree.chain(one)[0] == tree.chain(two)[0]
    assert tree.chain(one)[1] != tree.chain(two)[1]


def test_the_same_text_after_another_prefix_is_another_node_with_the_same_digest() -> None:
    tree = PrefixTree()
    one, two = add(tree, one_shot("s", "question")), add(tree, one_shot("t", "question"))
    assert one != two
    assert tree.nodes[one].digest == tree.nodes[two].digest


def test_ancestors_are_found_by_depth() -> None:
    tree = PrefixTree()
    leaf = add(tree, one_shot("system", "a"))
    assert tree.ancestor(leaf, 0) == tree.chain(leaf)[0]
    assert tree.ancestor(leaf, 1) == leaf
    assert tree.ancestor(leaf, 5) is None
    assert tree.ancestor(ROOT, 0) is None


def test_an_empty_prompt_ends_at_the_root() -> None:
    tree = PrefixTree()
    assert tree.add((), ()) == ROOT
    assert tree.chain(ROOT) == []
