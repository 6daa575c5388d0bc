"""SampleData: remembers what modules offer, and fetches what is made locally by a downloader of the module's own."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SampleDataSource:
    category: str
    sampleName: str
    uris: object = None
    fileNames: object = None
    nodeNames: object = None
    checksums: object = None
    loadFiles: object = None
    loadFileTypes: object = None
    customDownloader: object = None
    thumbnailFileName: str | None = None
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        single = isinstance(self.uris, str)
        names = ("uris", "fileNames", "nodeNames", "checksums", "loadFiles")
        if single:
            for name in names:
                setattr(self, name, [getattr(self, name)])
        # Who gives no list of addresses gets no further, as in Slicer.
        count = len(self.uris)
        for name in ("nodeNames", "checksums", "loadFiles"):
            if getattr(self, name) is None:
                setattr(self, name, [None] * count)
        if any(len(getattr(self, name)) != count for name in names):
            raise ValueError("all lists of a sample data source have one length")


SOURCES: dict[str, list[SampleDataSource]] = {}


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(category="Custom", sampleName=None, uris=None, fileNames=None, nodeNames=None,
                                       customDownloader=None, thumbnailFileName=None, loadFileTypes=None,
                                       loadFiles=None, loadFileProperties=None, checksums=None):  # fmt: skip
        source = SampleDataSource(category, sampleName, uris, fileNames, nodeNames, checksums, loadFiles,
                                  loadFileTypes, customDownloader, thumbnailFileName,
                                  dict(loadFileProperties or {}))  # fmt: skip
        SOURCES.setdefault(category, []).append(source)

    def sourceForSampleName(self, sampleName):
        known = (source for sources in SOURCES.values() for source in sources)
        return next((source for source in known if source.sampleName == sampleName), None)

    def downloadFromSource(self, source, maximumAttemptsCount=3):
        """Fetches addresses; a downloader of the module's own is called by the module's button only."""
        if source.uris:
            raise NotImplementedError("the host has no network")
        return []

    def _click(self, source):
        """What the button of a sample does."""
        return source.customDownloader(source) if source.customDownloader else self.downloadFromSource(source)
