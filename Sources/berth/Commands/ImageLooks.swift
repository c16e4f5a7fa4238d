// `image ls`, `image inspect`: what images are here, and what one says of itself.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel
import FoundationEssentials

struct ImageLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List images",
        discussion: """
            Examples:
              berth image ls shop/web                  the tags of one repository
              berth image ls --digests --format '{{.Tag}} {{.Digest}}' shop/web
            """, aliases: ["list"])
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Ids only") var quiet = false
    @Flag(help: "The digests that names lead to") var digests = false
    @Flag(help: "Whole ids") var noTrunc = false
    @Option(help: "table, json or a template") var format = "table"
    @Argument(help: "A repository, or one name of it; none: all") var reference: String?

    private struct Row {
        var repository: String
        var tag: String
        var digest: String
        var image: ImageDocument
    }

    func run() async throws {
        let rows = try await AgentConnection.client().images().flatMap(ImageLs.rows).filter { row in
            guard let reference else { return true }
            guard let wanted = ImageReference(reference) else { return false }
            // A name without a tag is a repository.
            let isWhole = reference.split(separator: "/").last?.contains(":") ?? false
            return row.repository == wanted.familiarName && (!isWhole || row.tag == wanted.tag)
        }
        if quiet {
            var seen: Set<String> = []
            return rows.map { shown($0.image.id) }.filter { seen.insert($0).inserted }.forEach {
                Console.shared.out($0)
            }
        }
        if format != "table" && !format.isEmpty {
            let titles = ["ID": "IMAGE ID", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED"]
            return try TemplateText(format == "json" ? "{{json .}}" : format).lines(rows.map(fields), titles: titles)
                .forEach { Console.shared.out($0) }
        }
        let titles = ["REPOSITORY", "TAG"] + (digests ? ["DIGEST"] : []) + ["IMAGE ID", "SIZE"]
        Console.shared.out(
            Table.text(
                titles,
                rows.map {
                    [$0.repository, $0.tag] + (digests ? [$0.digest] : [])
                        + [shown($0.image.id), ContainerText.bytes($0.image.sizeBytes)]
                }))
    }

    private func shown(_ id: Digest) -> String { noTrunc ? "\(id)" : id.short }

    private static func rows(_ image: ImageDocument) -> [Row] {
        let references = image.references.compactMap { ImageReference($0) }
        // A name by digest stands beside the one by tag that was pulled.
        let tagged = references.filter { $0.tag != nil }
        var names: [ImageReference?] = tagged.isEmpty ? references : tagged
        // An image without a name has one row all the same.
        if names.isEmpty { names = [nil] }
        return names.map { reference in
            let digest = references.first { $0.digest != nil && $0.path == reference?.path }?.digest
            return Row(
                repository: reference?.familiarName ?? "<none>", tag: reference?.tag ?? "<none>",
                digest: digest.map { "\($0)" } ?? "<none>", image: image)
        }
    }

    private func fields(_ row: Row) -> [(String, JSONText)] {
        let created = row.image.config.created.flatMap { Timestamp(rfc3339: $0) }
        let now = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        return [
            ("Containers", .string("N/A")), ("CreatedAt", .string(row.image.config.created ?? "")),
            ("CreatedSince", .string(created.map { ContainerText.age(now.duration(since: $0)) + " ago" } ?? "N/A")),
            ("Digest", .string(row.digest)), ("ID", .string(shown(row.image.id))),
            ("Repository", .string(row.repository)), ("SharedSize", .string("N/A")),
            ("Size", .string(ContainerText.bytes(row.image.sizeBytes))), ("Tag", .string(row.tag)),
            ("UniqueSize", .string("N/A")), ("VirtualSize", .string(ContainerText.bytes(row.image.sizeBytes))),
        ]
    }
}

struct ImageInspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show an image's configuration as JSON",
        discussion: "Example: berth image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' app:1")
    @Option(name: [.customShort("f"), .customLong("format")], help: "json or a template") var format: String?
    @Argument var references: [String]

    private struct Inspection: Encodable {
        struct Layers: Encodable { var `Type` = "layers"; var Layers: [Digest] }
        var Id: Digest
        var RepoTags: [String]
        var RepoDigests: [String]
        var Comment: String
        var Created: String?
        var Author: String
        var Architecture: String
        var Variant: String?
        var Os: String
        var Size: Int64
        var Config: ImageConfig.Execution?
        var RootFS: Layers
    }

    func run() async throws {
        let client = try await AgentConnection.client()
        let template = try format.map { try TemplateText($0 == "json" ? "{{json .}}" : $0) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var all: [Inspection] = []
        for name in references { all.append(ImageInspect.inspection(try await client.inspectImage(name))) }
        guard let template else {
            return Console.shared.out(String(decoding: try encoder.encode(all), as: UTF8.self))
        }
        for one in all {
            let document = try JSONDecoder().decode(JSONDocument.self, from: try encoder.encode(one))
            guard case .object(let fields) = JSONText(document) else { continue }
            Console.shared.out(try template.render(fields))
        }
    }

    private static func inspection(_ image: ImageDocument) -> Inspection {
        let isByDigest = { (name: String) in ImageReference(name)?.digest != nil }
        return Inspection(
            Id: image.id, RepoTags: image.references.filter { !isByDigest($0) },
            RepoDigests: image.references.filter(isByDigest),
            Comment: image.config.history?.last?.comment ?? "", Created: image.config.created,
            Author: image.config.author ?? "", Architecture: image.config.architecture,
            Variant: image.config.variant, Os: image.config.os, Size: image.sizeBytes, Config: image.config.config,
            RootFS: .init(Layers: image.config.rootfs.diff_ids))
    }
}
