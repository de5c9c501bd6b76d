using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using OpenTelemetry.Resources;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>What a process says of itself.</summary>
internal static class RunResource
{
    /// <summary>Describes a run.</summary>
    /// <param name="source">plugins.json with its overrides.</param>
    public static ResourceBuilder Of(JsonSource source)
    {
        var (version, commit) = Build(typeof(RunResource).Assembly);
        List<KeyValuePair<string, object>> attributes =
        [
            new(ResourceSchema.Service.Name, "leapalign"),
            new(ResourceSchema.Version.Name, version),
            new(ResourceSchema.RunId.Name, Guid.CreateVersion7().ToString()),
            new(ResourceSchema.RunName.Name, source.Said("run", "name")?.ToString() ?? new RunSettings().Name),
            new(ResourceSchema.ConfigHash.Name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source.Root.ToJsonString())))),
            new(ResourceSchema.Host.Name, Environment.MachineName),
            new(ResourceSchema.Process.Name, (long)Environment.ProcessId),
            new(ResourceSchema.Framework.Name, Environment.Version.ToString()),
        ];
        // It is not loaded yet. The program's own is known; another one is asked when it is.
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(LibTorch.Variable))) attributes.Add(new(ResourceSchema.LibTorch.Name, Metadata("LibTorch")));
        if (Launcher.Here is { StartsSeveral: true } launcher) attributes.Add(new(ResourceSchema.Rank.Name, (long)launcher.Rank));
        if (commit is not null) attributes.Add(new(ResourceSchema.Commit.Name, commit));
        // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last: what an operator says goes before what the program says.
        return ResourceBuilder.CreateEmpty().AddAttributes(attributes).AddTelemetrySdk().AddEnvironmentVariableDetector();
    }

    // The SDK writes 0.1.0+<commit> where it builds in a repository.
    private static (string Version, string? Commit) Build(Assembly assembly)
    {
        var parts = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', 2);
        return (parts[0], parts.Length > 1 ? parts[1] : null);
    }

    private static string Metadata(string key) =>
        typeof(RunResource).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
