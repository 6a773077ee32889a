"""Hosts of addresses."""

from __future__ import annotations

import pytest

from monitor.text.hosts import origin, registrable_domain


@pytest.mark.parametrize(
    ("url", "domain", "where"),
    [
        ("https://www.News.example.co.uk/a", "example.co.uk", "https://www.news.example.co.uk"),
        ("https://a.github.io/", "a.github.io", "https://a.github.io"),
        ("https://github.io/", "github.io", "https://github.io"),
        ("http://feeds.example.org.:8080/", "example.org", "http://feeds.example.org:8080"),
        ("https://u:p@example.org:443/", "example.org", "https://example.org"),
        ("http://EXAMPLE.org:80", "example.org", "http://example.org"),
        (
            "https://www.bücher.example/",
            "xn--bcher-kva.example",
            "https://www.xn--bcher-kva.example",
        ),
        ("http://новости.рф/", "xn--b1amnebsh.xn--p1ai", "http://xn--b1amnebsh.xn--p1ai"),
        ("http://10.1.2.3:9000/", "10.1.2.3", "http://10.1.2.3:9000"),
        ("http://[2001:DB8::1]:81/", "2001:db8::1", "http://[2001:db8::1]:81"),
        ("http://localhost/", "localhost", "http://localhost"),
        ("http://com/", "com", "http://com"),
        ("http:///feed", "", ""),
        ("http://[::1", "", ""),
        ("http://h:port/", "", ""),
        ("feed.xml", "", ""),
        ("", "", ""),
        ("http://" + "a." * 200 + "org/", "", ""),
    ],
)
def test_domain_and_origin(url: str, domain: str, where: str) -> None:
    assert (registrable_domain(url), origin(url)) == (domain, where)
