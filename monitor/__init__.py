"""News Monitor: polls sources, sends articles through a log, tags, stores and alerts."""

__version__ = "0.1.0"
PROJECT_PAGE = "https://github.com/news-monitor/news-monitor"
