// The databases that a stack file gets, and what is usual for each.

package enum DatabaseKind: String, Sendable, CaseIterable {
    case postgres, mysql, mariadb, redis, mongo, rabbitmq, memcached

    package var title: String {
        switch self {
        case .postgres: "PostgreSQL"
        case .mysql: "MySQL"
        case .mariadb: "MariaDB"
        case .redis: "Redis"
        case .mongo: "MongoDB"
        case .rabbitmq: "RabbitMQ"
        case .memcached: "Memcached"
        }
    }

    package var image: String {
        switch self {
        case .postgres: "postgres:17"
        case .mysql: "mysql:8.4"
        case .mariadb: "mariadb:11.4"
        case .redis: "redis:7-alpine"
        case .mongo: "mongo:8.0"
        case .rabbitmq: "rabbitmq:4.1"
        case .memcached: "memcached:1.6-alpine"
        }
    }

    var isRelational: Bool { [.postgres, .mysql, .mariadb].contains(self) }
    /// The service's name, which is its host name.
    var service: String { isRelational ? "db" : rawValue }

    var port: Int {
        switch self {
        case .postgres: 5432
        case .mysql, .mariadb: 3306
        case .redis: 6379
        case .mongo: 27017
        case .rabbitmq: 5672
        case .memcached: 11211
        }
    }

    /// Where its image keeps what must outlive a container.
    var volumePath: String? {
        switch self {
        case .postgres: "/var/lib/postgresql/data"
        case .mysql, .mariadb: "/var/lib/mysql"
        case .redis: "/data"
        case .mongo: "/data/db"
        case .rabbitmq: "/var/lib/rabbitmq"
        case .memcached: nil
        }
    }

    /// Schemes of its addresses; the first is the usual one.
    var schemes: [String] {
        switch self {
        case .postgres: ["postgresql", "postgres"]
        case .mysql: ["mysql"]
        case .mariadb: ["mariadb"]
        case .redis: ["redis", "rediss"]
        case .mongo: ["mongodb", "mongodb+srv"]
        case .rabbitmq: ["amqp", "amqps"]
        case .memcached: ["memcached"]
        }
    }

    /// Beginnings of names of variables that speak of it and of no other.
    var variablePrefixes: [String] {
        switch self {
        case .postgres: ["POSTGRES", "POSTGRESQL", "PG", "PSQL"]
        case .mysql: ["MYSQL"]
        case .mariadb: ["MARIADB"]
        case .redis: ["REDIS", "VALKEY", "SPRING_DATA_REDIS", "SPRING_REDIS"]
        case .mongo: ["MONGO", "MONGODB", "SPRING_DATA_MONGODB"]
        case .rabbitmq: ["RABBITMQ", "RABBIT", "AMQP", "CLOUDAMQP", "SPRING_RABBITMQ"]
        case .memcached: ["MEMCACHED", "MEMCACHE"]
        }
    }

    /// The variable that people expect where the code names none.
    var usualVariable: String {
        switch self {
        case .postgres, .mysql, .mariadb: "DATABASE_URL"
        case .redis: "REDIS_URL"
        case .mongo: "MONGODB_URI"
        case .rabbitmq: "RABBITMQ_URL"
        case .memcached: "MEMCACHED_HOST"
        }
    }

    /// Packages that speak to it, by language.
    func drivers(_ language: Language) -> Set<String> { DatabaseDrivers.table[self]?[language] ?? [] }
}

enum DatabaseDrivers {
    static let table: [DatabaseKind: [Language: Set<String>]] = [
        .postgres: [
            .python: ["psycopg2", "psycopg2-binary", "psycopg", "asyncpg", "pg8000", "aiopg"],
            .node: ["pg", "pg-promise", "postgres", "pg-native", "connect-pg-simple"],
            .go: ["github.com/lib/pq", "github.com/jackc/pgx", "gorm.io/driver/postgres", "github.com/go-pg/pg"],
            .java: ["postgresql", "r2dbc-postgresql", "quarkus-jdbc-postgresql"],
            .swift: ["postgres-nio", "fluent-postgres-driver", "postgres-kit", "postgresclientkit"],
        ],
        .mysql: [
            .python: ["mysqlclient", "pymysql", "mysql-connector-python", "aiomysql", "asyncmy"],
            .node: ["mysql", "mysql2"],
            .go: ["github.com/go-sql-driver/mysql", "gorm.io/driver/mysql"],
            .java: ["mysql-connector-j", "mysql-connector-java", "quarkus-jdbc-mysql"],
            .swift: ["mysql-nio", "fluent-mysql-driver", "mysql-kit"],
        ],
        .mariadb: [
            .python: ["mariadb"], .node: ["mariadb"], .java: ["mariadb-java-client", "quarkus-jdbc-mariadb"],
        ],
        .redis: [
            .python: ["redis", "django-redis", "aioredis", "rq", "channels-redis", "flask-redis", "arq"],
            .node: ["redis", "ioredis", "bull", "bullmq", "connect-redis", "@fastify/redis"],
            .go: ["github.com/redis/go-redis", "github.com/go-redis/redis", "github.com/gomodule/redigo"],
            .java: [
                "spring-boot-starter-data-redis", "spring-boot-starter-data-redis-reactive", "jedis", "lettuce-core",
                "spring-session-data-redis",
            ],
            .swift: ["redis", "redistack", "queues-redis-driver"],
        ],
        .mongo: [
            .python: ["pymongo", "motor", "mongoengine", "beanie", "flask-pymongo", "djongo"],
            .node: ["mongodb", "mongoose", "connect-mongo"],
            .go: ["go.mongodb.org/mongo-driver"],
            .java: [
                "spring-boot-starter-data-mongodb", "spring-boot-starter-data-mongodb-reactive", "mongodb-driver-sync",
            ],
            .swift: ["mongo-swift-driver", "mongokitten", "fluent-mongo-driver"],
        ],
        .rabbitmq: [
            .python: ["pika", "aio-pika", "amqp"], .node: ["amqplib", "amqp-connection-manager"],
            .go: ["github.com/rabbitmq/amqp091-go", "github.com/streadway/amqp"],
            .java: ["spring-boot-starter-amqp", "amqp-client", "spring-rabbit"],
        ],
        .memcached: [
            .python: ["pymemcache", "python-memcached", "pylibmc"], .node: ["memcached", "memjs"],
            .go: ["github.com/bradfitz/gomemcache"], .java: ["spymemcached", "xmemcached"],
        ],
    ]
}
