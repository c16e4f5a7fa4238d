// `.dockerignore`: what no build needs, and what no image may hold.

enum IgnoreText {
    static func text(_ findings: ProjectFindings) -> String {
        let common = [
            ".git", ".gitignore", ".github", ".idea", ".vscode", ".DS_Store", ".env", ".env.local", ".env.*.local",
            "*.log", "Dockerfile*",
            ".dockerignore", "compose*.y*ml", "docker-compose*.y*ml", "*.pem", "*.key",
        ]
        let ignored = (common + findings.ignored).map { $0 + "\n" }.joined()
        return "# What the image does not need, and what must not be in it.\n" + ignored
    }
}
