// `image history`: what an image is made of, the last step first.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct ImageHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the steps that made an image, and what each added",
        discussion: "Example: berth image history --no-trunc localhost/app:1")
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Ids only") var quiet = false
    @Flag(help: "Whole ids and commands") var noTrunc = false
    @Flag(name: [.customShort("H"), .customLong("human")], inversion: .prefixedNo, help: "Sizes and times for people")
    var human = true
    @Option(help: "table, json or a template") var format = "table"
    @Argument(help: "An image") var reference: String

    func run() async throws {
        let image = try await AgentConnection.client().inspectImage(reference)
        let rows = ImageHistory.rows(image)
        let now = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        if quiet { return rows.forEach { Console.shared.out(shown($0.id)) } }
        if format != "table" && !format.isEmpty {
            let fields = rows.map { row -> [(String, JSONText)] in
                [
                    ("Comment", .string(row.step.comment ?? "")), ("CreatedAt", .string(row.step.created ?? "")),
                    ("CreatedBy", .string(row.step.created_by ?? "")), ("CreatedSince", .string(age(row, now))),
                    ("ID", .string(shown(row.id))), ("Size", .string(size(row))),
                ]
            }
            let titles = [
                "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY", "CreatedAt": "CREATED AT",
            ]
            return try TemplateText(format == "json" ? "{{json .}}" : format).lines(fields, titles: titles).forEach {
                Console.shared.out($0)
            }
        }
        Console.shared.out(
            Table.text(
                ["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"],
                rows.map { row in
                    [shown(row.id), age(row, now), command(row), size(row), Console.safe(row.step.comment ?? "")]
                }))
    }

    struct Row {
        /// Nil: an image of its own once, and now only a step of this one.
        var id: Digest?
        var step: ImageConfig.History
        var sizeBytes: Int64
    }

    /// Each step that made a layer has the next one's size.
    static func rows(_ image: ImageDocument) -> [Row] {
        var sizes = image.layerSizesBytes[...]
        var rows = (image.config.history ?? []).map { step in
            Row(step: step, sizeBytes: step.empty_layer == true ? 0 : sizes.popFirst() ?? 0)
        }
        // Layers without a step: whoever made the image said nothing of them.
        rows += sizes.map { Row(step: ImageConfig.History(), sizeBytes: $0) }
        rows.reverse()
        if !rows.isEmpty { rows[0].id = image.id }
        return rows
    }

    private func shown(_ id: Digest?) -> String {
        guard let id else { return "<missing>" }
        return noTrunc ? "\(id)" : id.short
    }

    private func age(_ row: Row, _ now: Timestamp) -> String {
        guard let text = row.step.created, let created = Timestamp(rfc3339: text) else { return "N/A" }
        if !human { return "\(created)" }
        return ContainerText.age(now.duration(since: created)) + " ago"
    }

    private func size(_ row: Row) -> String { human ? ContainerText.bytes(row.sizeBytes) : "\(row.sizeBytes)" }

    private func command(_ row: Row) -> String {
        let text = Console.safe((row.step.created_by ?? "").replacing("\n", with: " ").replacing("\t", with: " "))
        return noTrunc || text.count <= 45 ? text : text.prefix(44) + "…"
    }
}
