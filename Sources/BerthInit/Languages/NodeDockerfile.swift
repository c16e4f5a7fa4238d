// The Dockerfile of a Node.js project: packages, what its build script makes, and an image with neither compilers nor
// packages that only building needs.

extension NodeProject {
    private static let native: Set<String> = [
        "bcrypt", "sqlite3", "better-sqlite3", "canvas", "node-sass", "argon2", "pg-native", "node-rdkafka", "zeromq",
    ]

    var image: String { tool == .bun ? "oven/bun:1" : "node:\(version?.value ?? UsualVersion.node)" }

    func dockerfile(_ image: ImageFindings) -> String {
        let needsBuild = hasBuildScript || hasPrismaSchema
        let last = needsBuild ? lastOfBuild : lastOfPackages
        let user = tool == .bun ? "USER bun" : "USER node"
        let ending = DockerfileText.ending(image, tool == .bun ? .bun : .node)
        let first = hasPackages || needsBuild ? (needsBuild ? buildStage : packageStage) : []
        return DockerfileText.stages([first, last + [user] + ending])
    }

    /// Everything that is there to be built, installed, up to the project's own files.
    func preparation(_ name: String, forBuilding: Bool) -> [String?] {
        // The full image has compilers; only its result is taken over.
        let isNative = !packages.isDisjoint(with: NodeProject.native)
        let suffix = isNative || hasPrismaSchema ? "" : "-slim"
        return [
            "FROM \(image)\(suffix) AS \(name)", "WORKDIR /app", corepack,
            manifests.isEmpty ? "COPY . ." : DockerfileText.copy(manifests, to: "./"),
            hasPackages ? "RUN \(cacheMount) \\\n    \(installation(forBuilding: forBuilding))" : nil,
        ]
    }

    private var packageStage: [String?] { preparation("packages", forBuilding: false) }

    private var buildStage: [String?] {
        preparation("build", forBuilding: true) + [
            manifests.isEmpty ? nil : "COPY . .",
            hasPrismaSchema ? "RUN node_modules/.bin/prisma generate" : nil,
            hasBuildScript ? "RUN \(runner) build" : nil,
            hasPackages && !isStandalone ? pruning.map { "RUN \(cacheMount) \\\n    \($0)" } : nil,
        ]
    }

    private var lastOfPackages: [String?] {
        [
            "FROM \(image)-slim", "ENV NODE_ENV=production", "WORKDIR /app",
            hasPackages ? "COPY --from=packages /app/node_modules ./node_modules" : nil, "COPY . .",
        ]
    }

    private var lastOfBuild: [String?] {
        let openssl =
            "RUN apt-get update && apt-get install -y --no-install-recommends openssl \\\n"
            + "    && rm -rf /var/lib/apt/lists/*"
        let head: [String?] = [
            "FROM \(image)-slim", "ENV NODE_ENV=production\(isStandalone ? " HOSTNAME=0.0.0.0" : "")",
            hasPrismaSchema ? openssl : nil, "WORKDIR /app",
        ]
        guard isStandalone else {
            // Next.js writes its cache beside what it was built to.
            let owner = framework?.value == "Next.js" ? " --chown=node:node" : ""
            return head + ["COPY --from=build\(owner) /app ./"]
        }
        return head + [
            "COPY --from=build --chown=node:node /app/.next/standalone ./",
            "COPY --from=build --chown=node:node /app/.next/static ./.next/static",
            hasPublicDirectory ? "COPY --from=build /app/public ./public" : nil,
        ]
    }

    private var corepack: String? {
        guard tool == .pnpm || tool == .berry else { return nil }
        // Newer images come without it.
        let isBundled = (Int(version?.value ?? "") ?? 0) < 25
        return isBundled ? "RUN corepack enable" : "RUN npm install --global corepack && corepack enable"
    }

    private var cacheMount: String {
        let path =
            switch tool {
            case .npm: "/root/.npm"
            case .yarn: "/usr/local/share/.cache/yarn"
            case .berry: "/root/.yarn/berry/cache"
            case .pnpm: "/pnpm/store"
            case .bun: "/root/.bun/install/cache"
            }
        return "--mount=type=cache,target=\(path)"
    }

    var runner: String { tool == .npm ? "npm run" : tool == .berry ? "yarn run" : "\(tool.rawValue) run" }

    private func installation(forBuilding: Bool) -> String {
        let isLocked = lockFile != nil
        switch tool {
        case .npm: return (isLocked ? "npm ci" : "npm install") + (forBuilding ? "" : " --omit=dev")
        case .yarn:
            return "yarn install" + (isLocked ? " --frozen-lockfile" : "") + (forBuilding ? "" : " --production")
        case .berry:
            return forBuilding
                ? "yarn install" + (isLocked ? " --immutable" : "") : "yarn workspaces focus --all --production"
        case .pnpm:
            return "pnpm install --store-dir /pnpm/store" + (isLocked ? " --frozen-lockfile" : "")
                + (forBuilding ? "" : " --prod")
        case .bun: return "bun install" + (isLocked ? " --frozen-lockfile" : "") + (forBuilding ? "" : " --production")
        }
    }

    /// Takes out what only building needed.
    private var pruning: String? {
        switch tool {
        case .npm: "npm prune --omit=dev"
        case .yarn: "yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline"
        case .berry: "yarn workspaces focus --all --production"
        case .pnpm: "CI=true pnpm prune --prod"
        case .bun: "rm -rf node_modules && bun install --production" + (lockFile == nil ? "" : " --frozen-lockfile")
        }
    }
}
