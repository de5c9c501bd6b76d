using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Interruptions;

/// <summary>What has to be the same in two runs.</summary>
internal static class Digest
{
    /// <summary>Every line of the metrics without its timings.</summary>
    public static IReadOnlyList<string> Metrics(string run) => [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(static line =>
    {
        var entry = (JsonObject)JsonNode.Parse(line)!;
        entry.Remove("timings");
        return entry.ToJsonString();
    })];

    /// <summary>SHA-256 of the exported weights.</summary>
    public static string Weights(string run) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(run, "export", "transformer", "diffusion_pytorch_model.safetensors"))));

    /// <summary>Asserts that two runs did the same.</summary>
    public static void AssertSame(string expected, string actual)
    {
        Assert.Equal(Metrics(expected), Metrics(actual));
        Assert.Equal(Weights(expected), Weights(actual));
    }
}
