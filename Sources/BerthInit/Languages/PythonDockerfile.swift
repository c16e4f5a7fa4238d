// The Dockerfile of a Python project: packages into a virtual environment, which the last stage takes over.

extension PythonProject {
    /// Packages that need a compiler to be installed, or a library of Debian's to run.
    private static let native: [(package: String, library: String?)] = [
        ("psycopg2", "libpq5"), ("psycopg", "libpq5"), ("mysqlclient", "libmariadb3"), ("pylibmc", "libmemcached11"),
        ("pycairo", "libcairo2"), ("uwsgi", nil),
    ]

    private var nativePackages: [(package: String, library: String?)] {
        PythonProject.native.filter { row in
            dependencies.contains { $0.name == row.package && !$0.extras.contains("binary") }
        }
    }

    func dockerfile(_ image: ImageFindings) -> String {
        let base = "python:\(version?.value ?? UsualVersion.python)"
        let libraries = Set(nativePackages.compactMap(\.library)).sorted().joined(separator: " ")
        let hasPackages = tool != nil
        var settings = "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"
        if hasPackages { settings += " PATH=/venv/bin:$PATH" }
        if hasSourceDirectory { settings += " PYTHONPATH=/app/src" }
        let install =
            "RUN apt-get update && apt-get install -y --no-install-recommends \(libraries) \\\n"
            + "    && rm -rf /var/lib/apt/lists/*"
        let last: [String?] =
            [
                "FROM \(base)-slim", settings, libraries.isEmpty ? nil : install, DockerfileText.addsUser,
                "WORKDIR /app", hasPackages ? "COPY --from=packages /venv /venv" : nil, "COPY . .", "USER app",
            ] + DockerfileText.ending(image, .python, stopSignal: application.endsByInterrupt ? "SIGINT" : nil)
        return DockerfileText.stages([packageStage(base), last])
    }

    private func packageStage(_ base: String) -> [String?] {
        guard let tool else { return [] }
        // The full image has compilers and headers; only its result is taken over.
        let image = nativePackages.isEmpty ? "\(base)-slim" : base
        return [
            "FROM \(image) AS packages",
            "ENV VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1"
                + (tool == .uv ? " UV_PROJECT_ENVIRONMENT=/venv UV_LINK_MODE=copy" : ""),
            installer.map { "RUN --mount=type=cache,target=/root/.cache/pip pip install \($0)" },
            "RUN python -m venv /venv", "WORKDIR /src",
            manifests.isEmpty ? "COPY . ." : copyOfManifests,
            "RUN --mount=type=cache,target=/root/.cache/\(cache) \\\n    \(installation)",
        ]
    }

    private var copyOfManifests: String {
        // Files of a subdirectory keep their places, as their includes name each other.
        let below = manifests.filter { $0.contains("/") }
        let upper = manifests.filter { !$0.contains("/") }
        let directories = Set(below.map(ProjectPath.parent)).sorted()
        return ([DockerfileText.copy(upper, to: "./")] + directories.map { DockerfileText.copy([$0], to: "./\($0)") })
            .joined(separator: "\n")
    }

    private var installer: String? {
        switch tool {
        case .poetry: "poetry"
        case .uv: "uv"
        case .pdm: "pdm"
        case .pipenv: "pipenv"
        default: nil
        }
    }

    private var cache: String {
        switch tool {
        case .poetry: "pypoetry"
        case .uv: "uv"
        case .pdm: "pdm"
        case .pipenv: "pipenv"
        default: "pip"
        }
    }

    private var installation: String {
        switch tool {
        case .poetry: "poetry install --only main --no-root --no-interaction"
        case .uv: "uv sync --locked --no-dev --no-install-project"
        case .pdm: "pdm sync --prod --no-self"
        case .pipenv: hasLock ? "pipenv sync" : "pipenv install --skip-lock"
        case .project where packageTool?.evidence.path == "requirements.txt":
            "pip install --requirement requirements.txt"
        case .project: "pip install ."
        default: "pip install --requirement requirements.txt"
        }
    }
}
