// A site of files: pages that are there, or that a tool makes from sources.

struct PageProject: LanguageProject {
    let language: Finding<Language>
    let framework: Finding<String>?
    var version: Finding<String>? { node?.version }
    var packageTool: Finding<String>? { node?.packageTool }
    var dependencies: [Dependency] { [] }
    var usualPort: Finding<Int>? { Finding(8080, .assumed("any user may listen on it, unlike 80")) }
    private(set) var remarks: [String] = []
    var ignored: [String] { node?.ignored ?? [] }

    /// What makes the pages; nil: they are there.
    let node: NodeProject?
    /// Where the pages are, or come to be.
    let directory: String
    /// The pages find their ways by themselves: one file stands for all that are not there.
    let isSinglePage: Bool

    private static let directories = ["", "public", "dist", "site", "www", "html", "build", "out", "_site", "docs"]
    private static let makers: [(package: String, title: String, output: String, isSinglePage: Bool)] = [
        ("astro", "Astro", "dist", false), ("@docusaurus/core", "Docusaurus", "build", false),
        ("vitepress", "VitePress", "docs/.vitepress/dist", false), ("@11ty/eleventy", "Eleventy", "_site", false),
        ("gatsby", "Gatsby", "public", false), ("react-scripts", "Create React App", "build", true),
        ("@vue/cli-service", "Vue CLI", "dist", true), ("@angular/cli", "Angular", "dist", true),
        ("vite", "Vite", "dist", true), ("parcel", "Parcel", "dist", true),
    ]

    /// Pages that are there.
    init?(_ tree: ProjectTree) {
        let found = PageProject.directories.map { $0.isEmpty ? "index.html" : "\($0)/index.html" }.first(
            where: tree.has)
        guard let path = found else { return nil }
        language = Finding(.pages, .seen(path))
        framework = nil
        node = nil
        directory = ProjectPath.parent(path)
        isSinglePage = false
    }

    /// Pages that a tool makes; nil: the project answers requests by itself.
    init?(_ node: NodeProject, _ tree: ProjectTree) {
        guard node.hasBuildScript, node.packages.isDisjoint(with: NodeProject.servers),
            let maker = PageProject.makers.first(where: { node.packages.contains($0.package) })
        else { return nil }
        let evidence = Evidence.seen(
            "package.json", tree.line(of: "\"\(maker.package)\"", in: "package.json"), maker.package)
        language = Finding(.pages, evidence)
        framework = Finding(maker.title, evidence)
        self.node = node
        directory = maker.output
        isSinglePage = maker.isSinglePage
        remarks = node.remarks
        if maker.package == "@angular/cli" {
            remarks.append(
                "Angular puts its pages below dist/<name>/browser: correct the path in the Dockerfile's last COPY")
        }
    }

    func start(port: Int?) -> Finding<[String]>? {
        Finding(["nginx", "-g", "daemon off;"], .assumed("nginx serves files"))
    }

    func dockerfile(_ image: ImageFindings) -> String {
        let port = image.port ?? 8080
        var first: [String?] = []
        var pages = DockerfileText.copy([directory.isEmpty ? "." : directory], to: "/usr/share/nginx/html")
        if let node {
            first =
                node.preparation("build", forBuilding: true)
                + [node.manifests.isEmpty ? nil : "COPY . .", "RUN \(node.runner) build"]
            pages = "COPY --from=build /app/\(directory) /usr/share/nginx/html"
        }
        var image = image
        image.port = port
        let last: [String?] =
            ["FROM nginx:\(UsualVersion.nginx)", settings(port), pages, "USER nginx"]
            + DockerfileText.ending(image, .wget, stopSignal: "SIGQUIT")
        return DockerfileText.stages([first, last])
    }

    /// Settings with which nginx needs no right but to read its pages.
    private func settings(_ port: Int) -> String {
        let fallback = isSinglePage ? "/index.html" : "=404"
        let scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "    \($0)_temp_path /tmp/\($0);\n" }
        return """
            COPY <<'EOF' /etc/nginx/nginx.conf
            pid /tmp/nginx.pid;
            error_log stderr;
            events {}
            http {
                include mime.types;
                default_type application/octet-stream;
                access_log /dev/stdout;
                sendfile on;
                gzip on;
            \(scratch.joined())    server {
                    listen \(port);
                    root /usr/share/nginx/html;
                    location / {
                        try_files $uri $uri/ \(fallback);
                    }
                }
            }
            EOF
            """
    }
}
