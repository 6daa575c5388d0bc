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
        if source.customDownloader is None:
            raise NotImplementedError("the host has no network")
        return source.customDownloader(source)
