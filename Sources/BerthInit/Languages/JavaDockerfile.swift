// The Dockerfile of a Java project: built with a JDK, run with a JRE.

extension JavaProject {
    func dockerfile(_ image: ImageFindings) -> String {
        let release = version?.value ?? UsualVersion.java
        let builder =
            if hasWrapper { "eclipse-temurin:\(release)-jdk" } else if tool == .maven {
                "maven:3.9-eclipse-temurin-\(release)"
            } else { "gradle:\((Int(release) ?? 0) > 24 ? 9 : 8)-jdk\(release)" }
        let mount = "--mount=type=cache,target=\(tool == .maven ? "/root/.m2" : "/root/.gradle")"
        let build: [String?] =
            ["FROM \(builder) AS build", tool == .gradle ? "ENV GRADLE_USER_HOME=/root/.gradle" : nil, "WORKDIR /src"]
            + directories.map { "COPY \($0) ./\($0)" }
            + [
                DockerfileText.copy(manifests, to: "./"), "RUN \(mount) \\\n    \(fetching)",
                tool == .maven ? "COPY src ./src" : "COPY . .", "RUN \(mount) \\\n    \(building)",
            ]
        let last: [String?] =
            ["FROM eclipse-temurin:\(release)-jre", DockerfileText.addsUser, "WORKDIR /app"] + products + ["USER app"]
            + DockerfileText.ending(image, .bash)
        return DockerfileText.stages([build, last])
    }

    private var program: String {
        switch (tool, hasWrapper) {
        case (.maven, true): "sh ./mvnw -B"
        case (.maven, false): "mvn -B"
        case (.gradle, true): "sh ./gradlew --no-daemon"
        case (.gradle, false): "gradle --no-daemon"
        }
    }

    private var fetching: String {
        tool == .maven ? "\(program) dependency:go-offline" : "\(program) dependencies"
    }

    private var building: String {
        let output = tool == .maven ? "target" : "build/libs"
        let archive =
            "find \(output) -maxdepth 1 -name '*.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar' "
            + "! -name '*-plain.jar' ! -name 'original-*' -exec cp {} /app.jar \\;"
        switch product {
        case .archive where tool == .maven: return "\(program) -DskipTests package \\\n    && \(archive)"
        case .archive:
            let task = framework == nil ? "assemble" : "bootJar"
            return "\(program) \(task) \\\n    && \(archive)"
        case .classes:
            return "\(program) -DskipTests package dependency:copy-dependencies -DincludeScope=runtime \\\n"
                + "        -DoutputDirectory=/lib-of-app && mkdir -p /lib-of-app"
        case .distribution:
            return "\(program) installDist \\\n    && cp -R build/install/* /dist \\\n"
                + "    && find /dist/bin -type f ! -name '*.bat' -exec cp {} /dist/bin/app \\;"
        }
    }

    private var products: [String?] {
        switch product {
        case .archive: ["COPY --from=build /app.jar ./"]
        case .classes: ["COPY --from=build /lib-of-app ./lib", "COPY --from=build /src/target/classes ./classes"]
        case .distribution: ["COPY --from=build /dist ./"]
        }
    }
}
