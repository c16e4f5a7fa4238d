// What to say of a variable that is not set, and that an env_file has: env files are for containers alone.
import BerthModel

/// Reads the env files of the documents when the first variable is missing, and never otherwise.
final class EnvFileHints {
    private let documents: [Node]
    private let source: any FileSource
    private let directory: String
    private let displayDirectory: String
    private lazy var origins = read()

    init(documents: [Node], source: any FileSource, directory: String, displayDirectory: String) {
        self.documents = documents
        self.source = source
        self.directory = directory
        self.displayDirectory = displayDirectory
    }

    func hint(_ name: String) -> String? {
        guard let origin = origins[name] else { return nil }
        return "\(origin.place) has it, but an env_file is for the container alone: use --env-file \(origin.file) too"
    }

    private func read() -> [String: (place: String, file: String)] {
        var found: [String: (place: String, file: String)] = [:]
        for service in documents.flatMap({ $0["services"]?.entries ?? [] }) {
            guard let files = service.value["env_file"] else { continue }
            for file in files.items ?? [files] {
                guard let path = file.string ?? file["path"]?.string else { continue }
                let absolute = PathText.join(directory, path)
                guard let bytes = try? source.read(absolute) else { continue }
                let shown = PathText.display(absolute, from: displayDirectory)
                var values = DotenvValues()
                Dotenv(lookup: { _ in nil }, remarks: Remarks()).parse(bytes, file: shown, into: &values)
                for (name, place) in values.origins where found[name] == nil {
                    found[name] = ("\(place.file):\(place.line)", shown)
                }
            }
        }
        return found
    }
}
