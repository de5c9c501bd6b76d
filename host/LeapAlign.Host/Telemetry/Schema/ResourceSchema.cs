namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>The attributes of the resource: what all spans, metrics and logs of a process share.</summary>
internal static class ResourceSchema
{
    public static readonly AttributeDefinition Service = new("service.name", "string", "`leapalign`, or what OTEL_SERVICE_NAME says.");
    public static readonly AttributeDefinition Version = new("service.version", "string", "The version of the program.");
    public static readonly AttributeDefinition RunId = new("service.instance.id", "string", "The id of the run, new each time.");
    public static readonly AttributeDefinition RunName = new("leapalign.run.name", "string", "`run.name`.");
    public static readonly AttributeDefinition ConfigHash = new("leapalign.config.hash", "string", "SHA-256 of plugins.json with its overrides, without comments and spaces.");
    public static readonly AttributeDefinition Commit = new("vcs.ref.head.revision", "string", "The commit that the program was built from; absent where it was built outside a repository.");
    public static readonly AttributeDefinition Host = new("host.name", "string", "The machine.");
    public static readonly AttributeDefinition Process = new("process.pid", "int", "The process.");
    public static readonly AttributeDefinition Framework = new("process.runtime.version", "string", "The version of .NET.");
    public static readonly AttributeDefinition LibTorch = new("leapalign.libtorch.version", "string", "The version of libtorch; absent where LEAPALIGN_LIBTORCH names another one.");

    public static readonly AttributeDefinition Rank = new("leapalign.rank", "int", "The process among those of the run; absent where a launcher started no others.");

    /// <summary>Every attribute.</summary>
    public static IReadOnlyList<AttributeDefinition> All { get; } = [Service, Version, RunId, RunName, ConfigHash, Commit, Host, Process, Framework, LibTorch, Rank];
}
