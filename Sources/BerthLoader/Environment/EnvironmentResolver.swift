// What interpolation sees: the caller's environment first, then --env-file or .env.
import BerthModel

struct EnvironmentResolver {
    let source: any FileSource
    let remarks: Remarks

    func resolve(_ options: LoadOptions) -> [String: String] {
        var result = options.environment
        for (key, value) in fileValues(options) where result[key] == nil { result[key] = value }
        return result
    }

    private func fileValues(_ options: LoadOptions) -> [String: String] {
        var files = options.environmentFiles
        if files.isEmpty, let list = options.environment["COMPOSE_ENV_FILES"], !list.isEmpty {
            files = list.split(separator: ",").map(String.init)
        }
        var values: [String: String] = [:]
        let base = options.workingDirectory
        if files.isEmpty {
            if Scalars.oldBoolean(options.environment["COMPOSE_DISABLE_ENV_FILE"] ?? "") == true { return [:] }
            let path = "\(directory(options))/.env"
            guard source.isFile(path), let bytes = try? source.read(path) else { return [:] }
            read(bytes, path, options, &values)
            return values
        }
        for file in files {
            let path = PathText.clean(file.hasPrefix("/") ? file : base + "/" + file)
            guard let bytes = try? source.read(path) else {
                remarks.error(
                    nil, "", "env file \(path) not found", suggestion: "it is named by --env-file or COMPOSE_ENV_FILES")
                continue
            }
            read(bytes, path, options, &values)
        }
        return values
    }

    private func read(_ bytes: [UInt8], _ path: String, _ options: LoadOptions, _ values: inout [String: String]) {
        let known = values
        for (key, value) in Dotenv.parse(
            bytes, file: PathText.display(path), lookup: { options.environment[$0] ?? known[$0] }, remarks: remarks)
        {
            values[key] = value ?? options.environment[key]
        }
    }

    /// The project directory before any file was read.
    private func directory(_ options: LoadOptions) -> String {
        let base = options.workingDirectory
        if let given = options.projectDirectory { return given.hasPrefix("/") ? given : base + "/" + given }
        if let first = options.files.first, first != "-" {
            return PathText.parent(first.hasPrefix("/") ? first : base + "/" + first)
        }
        var directory = base
        while directory != "/" {
            if StackLoader.fileNames.contains(where: { source.isFile("\(directory)/\($0)") }) { return directory }
            directory = PathText.parent(directory)
        }
        return base
    }
}
