// Platforms: what images are made for, and which of them run here.

/// Where an image runs.
package struct Platform: Codable, Sendable, Equatable, Hashable, CustomStringConvertible {
    package var os: String
    package var architecture: String
    package var variant: String?

    package init(os: String = "linux", architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// The platform that this program was compiled for, in Go's names.
    package static var host: Platform {
        #if arch(arm64)
            Platform(architecture: "arm64", variant: "v8")
        #else
            Platform(architecture: "amd64")
        #endif
    }

    package var description: String { ([os, architecture] + (variant.map { [$0] } ?? [])).joined(separator: "/") }
}

extension Platform {
    /// `os/arch[/variant]`, `arch` alone for Linux; nil where the text is none. Common other names are understood.
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count),
            parts.allSatisfy({ part in
                !part.isEmpty
                    && part.utf8.allSatisfy { NameRules.isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E }
            })
        else { return nil }
        let os = parts.count == 1 ? "linux" : parts[0]
        let names = [
            "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm", "i386": "386",
        ]
        let given = parts.count == 1 ? parts[0] : parts[1]
        var variant = parts.count == 3 ? parts[2] : nil
        if given == "armhf" { variant = "v7" } else if given == "armel" { variant = "v6" }
        self.init(os: os, architecture: names[given] ?? given, variant: variant)
    }

    /// Itself, then what runs there too, best first: 32-bit ARM runs its older variants.
    package var fallbacks: [Platform] {
        guard architecture == "arm" else { return [self] }
        let number = variant.flatMap { Int($0.dropFirst()) } ?? 7
        return stride(from: number, through: 5, by: -1).map {
            Platform(os: os, architecture: architecture, variant: "v\($0)")
        }
    }

    /// A platform without a variant is the plain one of its architecture.
    package func fits(_ wanted: Platform) -> Bool {
        func plain(_ platform: Platform) -> String? {
            switch (platform.architecture, platform.variant) {
            case ("arm64", "v8"), ("arm64", "8"), ("amd64", "v1"): nil
            case ("arm", nil): "v7"
            default: platform.variant
            }
        }
        return os == wanted.os && architecture == wanted.architecture && plain(self) == plain(wanted)
    }
}
