// What the local registry gives besides images.
import BerthModel
import BerthStore
import GRDB

extension DatabaseStateStore {
    package func documents() throws -> [String: SharedDocument] {
        let rows = try durable.read {
            try Row.fetchAll($0, sql: "SELECT reference, manifest, image FROM shared_documents")
        }
        return Dictionary(
            rows.compactMap { row in
                guard let manifest = Digest(row["manifest"] as String) else { return nil }
                let image = (row["image"] as String?).flatMap { Digest($0) }
                return (row["reference"] as String, SharedDocument(manifest: manifest, image: image))
            }
        ) { $1 }
    }

    package func set(_ reference: String, _ document: SharedDocument) throws {
        try write(
            durable, "INSERT OR REPLACE INTO shared_documents (reference, manifest, image) VALUES (?, ?, ?)",
            [reference, document.manifest.description, document.image?.description])
    }

    package func removeDocument(_ reference: String) throws {
        try write(durable, "DELETE FROM shared_documents WHERE reference = ?", [reference])
    }
}
