// What the caller knows of registries: read with the caller's rights, used by the process that talks to them.

/// Logins, mirrors, trust and proxies. Never logged, never stored.
package struct RegistryAccess: Codable, Sendable, Equatable {
    package enum Login: Codable, Sendable, Equatable {
        case password(user: String, secret: String)
        /// An OAuth2 refresh token, as `docker login` keeps it for some registries.
        case identityToken(String)
        /// Sent as it is.
        case registryToken(String)
    }

    /// One registry, by the name that it has in references (`docker.io`, `example.org:5000`).
    package struct Host: Codable, Sendable, Equatable {
        package var login: Login?
        /// Certificates to trust beside the system's, PEM.
        package var authorities: [String] = []
        /// PEM; both or none.
        package var clientCertificate: String?
        package var clientKey: String?
        /// True: certificates are not verified, and plain HTTP will do.
        package var isInsecure = false
        /// Base URLs to ask first, in order. They get no login of this host's.
        package var mirrors: [String] = []
        package init() {}
    }

    /// `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` of the caller.
    package struct Proxies: Codable, Sendable, Equatable {
        package var http: String?
        package var https: String?
        package var except: [String] = []
        package init() {}
    }

    package var hosts: [String: Host] = [:]
    package var proxies = Proxies()
    package init() {}
}

/// How far a layer has come on its way into the store.
package struct LayerProgress: Codable, Sendable, Equatable {
    package enum Phase: String, Codable, Sendable {
        case waiting = "Waiting", exists = "Already exists", downloading = "Downloading"
        case retrying = "Retrying", downloaded = "Download complete", extracting = "Extracting"
        case done = "Pull complete"
        case present = "Layer already exists", mounted = "Mounted", pushing = "Pushing", pushed = "Pushed"
    }

    /// True: nothing more will happen to it.
    package var isEnded: Bool { [.exists, .done, .present, .mounted, .pushed].contains(phase) }

    package var layer: Digest
    package var phase: Phase
    package var doneBytes: Int64
    package var totalBytes: Int64
    package init(layer: Digest, phase: Phase, doneBytes: Int64 = 0, totalBytes: Int64 = 0) {
        self.layer = layer
        self.phase = phase
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}
