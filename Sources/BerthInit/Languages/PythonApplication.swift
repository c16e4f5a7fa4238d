// What starts a Python project: a framework's object, Django's manage.py, or a script.

struct PythonApplication {
    enum Kind { case fastAPI, asgi, flask, django, streamlit, script, none }

    private(set) var kind = Kind.none
    private(set) var framework: Finding<String>?
    private(set) var remarks: [String] = []
    /// `package.module:name`, a module, or a file.
    private var target = ""
    private var evidence = Evidence.assumed("")
    private let packages: Set<String>

    private static let frameworks: [(call: String, title: String, kind: Kind)] = [
        ("FastAPI(", "FastAPI", .fastAPI), ("Flask(", "Flask", .flask), ("Starlette(", "Starlette", .asgi),
        ("Quart(", "Quart", .asgi), ("Litestar(", "Litestar", .asgi),
    ]
    private static let scriptNames = ["main", "app", "server", "run", "web", "api", "bot", "index", "__main__"]

    init(_ tree: ProjectTree, _ scan: CodeScan, _ dependencies: [Dependency], hasSourceDirectory: Bool) {
        packages = Set(dependencies.map(\.name))
        let isFastAPIWithServer = dependencies.contains { $0.name == "fastapi" && $0.extras.contains("standard") }
        let files = scan.files.filter { $0.path.hasSuffix(".py") }.sorted {
            (PythonApplication.rank($0.path), $0.path) < (PythonApplication.rank($1.path), $1.path)
        }
        if tree.has("manage.py") {
            findDjango(tree, dependencies)
        } else if !findObject(files, hasSourceDirectory) {
            findScript(tree, files)
        }
        if [.fastAPI, .asgi].contains(kind) && !isFastAPIWithServer
            && packages.isDisjoint(with: ["uvicorn", "hypercorn"])
        {
            remarks.append("uvicorn is not among the packages: add it, it is what serves \(framework?.value ?? "")")
        }
        if kind == .flask && !packages.contains("gunicorn") {
            remarks.append(
                "Flask's own server is made for development: add gunicorn to the packages, and run init anew")
        }
        if kind == .django && packages.isDisjoint(with: ["gunicorn", "uvicorn", "daphne"]) {
            remarks.append(
                "Django's own server is made for development: add gunicorn to the packages, and run init anew")
        }
    }

    /// Upper files first, and those whose names say that they start something.
    private static func rank(_ path: String) -> Int {
        let name = String(ProjectPath.name(path).dropLast(3))
        return ProjectPath.depth(path) * 20 + (scriptNames.firstIndex(of: name) ?? 15)
    }

    private mutating func findDjango(_ tree: ProjectTree, _ dependencies: [Dependency]) {
        kind = .django
        let named = dependencies.first { $0.name == "django" }
        framework = Finding("Django", named?.evidence ?? .seen("manage.py"))
        let settings = tree.lines("manage.py").compactMap { line -> (Substring, Int)? in
            guard line.text.place(of: "DJANGO_SETTINGS_MODULE") != nil else { return nil }
            return QuotedText.all(in: line.text).last.map { ($0, line.number) }
        }.first
        let module = settings?.0.split(separator: ".").first.map(String.init) ?? ""
        target = PythonApplication.isModule(module) && tree.has("\(module)/wsgi.py") ? module : ""
        evidence = .seen("manage.py", settings?.1, settings?.0 ?? "")
    }

    /// `app = FastAPI(…)` at a line's beginning, or a function that makes one.
    private mutating func findObject(_ files: [CodeFile], _ hasSourceDirectory: Bool) -> Bool {
        for file in files {
            for line in file.lines {
                guard let found = PythonApplication.frameworks.first(where: { line.text.place(of: $0.call) != nil }),
                    let module = PythonApplication.module(file.path, hasSourceDirectory)
                else { continue }
                let name = line.text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                let rest = line.text.dropFirst(name.count).drop { $0 == " " }
                var object = String(name)
                if name.isEmpty || !rest.hasPrefix("=") && !rest.hasPrefix(":") {
                    guard let maker = maker(in: file, before: line.number) else { continue }
                    object = maker
                }
                kind = found.kind
                framework = Finding(found.title, .seen(file.path, line.number, line.text))
                target = "\(module):\(object)"
                evidence = .seen(file.path, line.number, line.text)
                return true
            }
        }
        return false
    }

    /// `def create_app(…):` above a line that is inside of it.
    private func maker(in file: CodeFile, before number: Int) -> String? {
        let lines = file.lines.prefix { $0.number < number }
        guard let line = lines.last(where: { $0.text.hasPrefix("def ") }) else { return nil }
        let name = line.text.dropFirst(4).prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return name.place(of: "app") == nil ? nil : "\(name)()"
    }

    private mutating func findScript(_ tree: ProjectTree, _ files: [CodeFile]) {
        if packages.contains("streamlit"),
            let file = files.first(where: { $0.lines.contains { $0.text.place(of: "import streamlit") != nil } })
        {
            kind = .streamlit
            target = file.path
            framework = Finding("Streamlit", .seen(file.path))
            evidence = .seen(file.path)
            return
        }
        let guarded = files.filter { file in
            file.lines.contains { $0.text.hasPrefix("if __name__") && $0.text.place(of: "__main__") != nil }
        }
        let named = files.filter { file in
            ProjectPath.depth(file.path) == 0
                && PythonApplication.scriptNames.contains(String(ProjectPath.name(file.path).dropLast(3)))
        }
        guard let file = guarded.first ?? named.first else { return }
        kind = .script
        target = file.path
        let line = file.lines.first { $0.text.hasPrefix("if __name__") }
        evidence = .seen(file.path, line?.number, line?.text ?? "")
    }

    /// `app/main.py` is `app.main`; nil: a name that no import can have.
    private static func module(_ path: String, _ hasSourceDirectory: Bool) -> String? {
        var parts = path.dropLast(3).split(separator: "/").map(String.init)
        if hasSourceDirectory && parts.count > 1 && parts[0] == "src" { parts.removeFirst() }
        if parts.count > 1 && parts.last == "__init__" { parts.removeLast() }
        return parts.allSatisfy(isModule) ? parts.joined(separator: ".") : nil
    }

    private static func isModule(_ name: String) -> Bool {
        !name.isEmpty && !(name.first?.isNumber ?? true)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    var usualPort: Finding<Int>? {
        switch kind {
        case .fastAPI, .asgi, .django: Finding(8000, .assumed("usual for \(framework?.value ?? "")"))
        case .flask where packages.contains("gunicorn"): Finding(8000, .assumed("usual for gunicorn"))
        case .flask: Finding(5000, .assumed("usual for Flask"))
        case .streamlit: Finding(8501, .assumed("usual for Streamlit"))
        case .script, .none: nil
        }
    }

    /// What ends at once when it is interrupted, and is deaf to the usual signal as the first process.
    var endsByInterrupt: Bool {
        switch kind {
        case .script, .streamlit: true
        case .flask: !packages.contains("gunicorn")
        case .django: packages.isDisjoint(with: ["gunicorn", "uvicorn", "daphne"])
        default: false
        }
    }

    func start(port: Int?) -> Finding<[String]>? {
        let port = "\(port ?? usualPort?.value ?? 8000)"
        let words: [String]
        switch kind {
        case .fastAPI, .asgi:
            let isFactory = target.hasSuffix("()")
            let flags = isFactory ? ["--factory", String(target.dropLast(2))] : [target]
            words = ["uvicorn"] + flags + ["--host", "0.0.0.0", "--port", port]
        case .flask where packages.contains("gunicorn"): words = ["gunicorn", "--bind", "0.0.0.0:\(port)", target]
        case .flask: words = ["flask", "--app", target, "run", "--host", "0.0.0.0", "--port", port]
        case .django: words = django(port)
        case .streamlit:
            words = ["streamlit", "run", target, "--server.address", "0.0.0.0", "--server.port", port]
        case .script: words = ["python", target]
        case .none: return nil
        }
        return Finding(words, evidence)
    }

    private func django(_ port: String) -> [String] {
        if !target.isEmpty && packages.contains("gunicorn") {
            return ["gunicorn", "--bind", "0.0.0.0:\(port)", "\(target).wsgi:application"]
        }
        if !target.isEmpty && packages.contains("uvicorn") {
            return ["uvicorn", "\(target).asgi:application", "--host", "0.0.0.0", "--port", port]
        }
        if !target.isEmpty && packages.contains("daphne") {
            return ["daphne", "-b", "0.0.0.0", "-p", port, "\(target).asgi:application"]
        }
        return ["python", "manage.py", "runserver", "0.0.0.0:\(port)"]
    }
}
