using System.Text.Json.Nodes;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>Short runs of the built program that show every span and metric of the schema between them.</summary>
internal static class TelemetryRuns
{
    /// <summary>The spans of the host and of the plugins that these runs use.</summary>
    public static IReadOnlyList<SpanDefinition> Schema { get; } =
        [.. SpanSchema.All.Except(SpanSchema.OfSeveralProcesses), .. SpanSchema.Of(PluginManifest.Read(Path.Combine(Repository.Root, "plugins", "algorithms", "leapalign")).Match(static manifest => manifest, static fault => throw new InvalidOperationException(fault.ToString())))];

    /// <summary>Runs the program with environment variables.</summary>
    public static Outcome Leapalign(this Workspace workspace, IEnumerable<string> environment, params IEnumerable<string> arguments)
    {
        using var process = Start(workspace, environment, arguments);
        return BuiltHost.Finish(process);
    }

    /// <summary>Starts it without waiting.</summary>
    public static System.Diagnostics.Process Start(this Workspace workspace, IEnumerable<string> environment, params IEnumerable<string> arguments) =>
        BuiltHost.Start(workspace.Folder, "env", [.. environment, BuiltHost.Program, .. arguments]);

    /// <summary>leapalign, with anchors in its rollouts and an evaluation; and sft, whose evaluations lie outside rollouts and whose prompts have pictures, told as spans.</summary>
    /// <param name="service">What the runs call themselves.</param>
    /// <param name="environment">Where their telemetry goes.</param>
    /// <param name="arguments">The same, as arguments.</param>
    public static void Everything(string service, IEnumerable<string> environment, params IEnumerable<string> arguments)
    {
        using var workspace = new Workspace();
        string[] variables = [$"OTEL_SERVICE_NAME={service}", .. environment];
        workspace.Json["evaluation"]!["previews"] = new JsonArray(new JsonObject { ["name"] = "few", ["steps"] = 2 });
        workspace.Save();
        Succeed(workspace.Leapalign(variables, ["train", "--name", "leaps", "--set", "run.steps=1", .. arguments]));
        workspace.Json["prompts"] = new JsonObject { ["id"] = "shapes", ["settings"] = new JsonObject { ["captions"] = 4, ["pictures"] = "shapes" } };
        workspace.Json["algorithm"] = "sft";
        workspace.Json["telemetry"] = new JsonObject { ["evaluations"] = "spans" };
        workspace.Save();
        Succeed(workspace.Leapalign(variables, ["train", "--name", "pictures", "--set", "run.steps=1", .. arguments]));
    }

    private static void Succeed(Outcome outcome)
    {
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        // A receiver that is there is no warning, and what telemetry holds of a plugin lets it go.
        Assert.DoesNotContain("warning", outcome.Error, StringComparison.Ordinal);
    }
}
