using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>A fault on its way from one process to the others.</summary>
internal static class RankFault
{
    /// <summary>What ends all processes where one of them throws and no stage, which would name it, is under way.</summary>
    public static Fault Unexpected(Exception exception) => exception.ToFault(static (type, message) => new Fault.Run(FaultCodes.StepThrew, $"{type} where nobody expects one: {message}"));

    /// <summary>Several as bytes.</summary>
    public static byte[] WriteAll(IReadOnlyList<Fault> faults) => faults.Count == 0 ? [] : Encoding.UTF8.GetBytes(new JsonArray([.. faults.Select(static fault => (JsonNode)Node(fault))]).ToJsonString());

    /// <summary>Those of bytes.</summary>
    public static IEnumerable<Fault> ReadAll(byte[] bytes, int rank) => bytes.Length == 0 ? [] : JsonNode.Parse(bytes)!.AsArray().Select(node => Of(node!, rank));

    /// <summary>The fault as bytes.</summary>
    public static byte[] Write(Fault fault) => Encoding.UTF8.GetBytes(Node(fault).ToJsonString());

    /// <summary>The fault of bytes, with the process that it comes from: the one that it names, or else the one that sent it.</summary>
    public static Fault Read(byte[] bytes, int rank) => Of(JsonNode.Parse(bytes)!, rank);

    private static JsonObject Node(Fault fault) => new()
    {
        ["family"] = fault.ExitCode,
        ["rank"] = fault.Rank,
        ["code"] = fault.Code,
        ["message"] = fault.Message,
        ["file"] = fault.Place?.File,
        ["line"] = fault.Place?.Line,
        ["column"] = fault.Place?.Column,
        ["key"] = fault.Place?.Key,
        ["advice"] = new JsonArray([.. fault.Advice.Select(static line => (JsonNode)line)]),
    };

    private static Fault Of(JsonNode root, int rank)
    {
        var (code, message) = ((string)root["code"]!, (string)root["message"]!);
        var place = (string?)root["file"] is { } file ? new SourcePlace(file, (int)root["line"]!, (int)root["column"]!, (string?)root["key"]) : null;
        Fault fault = (int)root["family"]! switch
        {
            2 => new Fault.Configuration(code, message, place),
            3 => new Fault.Plugin(code, message, place),
            4 => new Fault.Composition(code, message, place),
            5 => new Fault.Input(code, message, place),
            _ => new Fault.Run(code, message, place),
        };
        // One that came from another process is still that one's.
        return fault with { Rank = (int?)root["rank"] ?? rank, Advice = [.. root["advice"]!.AsArray().Select(static line => (string)line!)] };
    }
}
