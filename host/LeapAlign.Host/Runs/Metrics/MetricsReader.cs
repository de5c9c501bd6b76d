using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Metrics;

/// <summary>Reads <c>metrics.jsonl</c>, once or again and again while a run writes it: a line that was read is not parsed again.</summary>
internal sealed class MetricsReader(string path)
{
    private readonly List<StepLine> _steps = [];
    private readonly List<EvaluationLine> _evaluations = [];
    private readonly List<PreviewLine> _previews = [];
    private readonly List<WarningLine> _warnings = [];
    private byte[] _last = [];
    private long _taken;
    private int _lines;

    /// <summary>Reads what has come. A last line without its end, half-written or left by a process that was killed, is no line yet.</summary>
    /// <param name="most">The bytes of the file that count; all of them when null.</param>
    /// <returns>All lines so far, in lists that the next call goes on with; or <see cref="FaultCodes.RunNotReadable"/>, with the line, when one is not what a run writes.</returns>
    public Result<RunHistory> Read(long? most = null)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!GoesOn(file)) StartOver();
            // Bytes, because the text of a long run would be twice as large.
            var bytes = new byte[Math.Max(0, Math.Min(file.Length, most ?? long.MaxValue) - _taken)];
            file.Position = _taken;
            file.ReadExactly(bytes);
            Take(bytes);
            return new RunHistory(_steps, _evaluations, _warnings) { Previews = _previews };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            StartOver();
            return RunFolder.CannotRead(path, exception);
        }
    }

    // A run that goes on from a checkpoint writes the lines after it again. They end with what was measured by the clock, so that none is the same as before.
    private bool GoesOn(FileStream file)
    {
        if (file.Length < _taken) return false;
        var there = new byte[_last.Length];
        file.Position = _taken - there.Length;
        file.ReadExactly(there);
        return there.AsSpan().SequenceEqual(_last);
    }

    private void StartOver()
    {
        _steps.Clear();
        _evaluations.Clear();
        _previews.Clear();
        _warnings.Clear();
        (_last, _taken, _lines) = ([], 0, 0);
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        var start = 0;
        var last = 0..0;
        for (int length; (length = bytes[start..].IndexOf((byte)'\n')) >= 0; start += length + 1)
        {
            if (length > 0) Add(bytes.Slice(start, length));
            last = start..(start + length + 1);
        }
        if (start == 0) return;
        _last = bytes[last].ToArray();
        _taken += start;
    }

    private void Add(ReadOnlySpan<byte> text)
    {
        _lines++;
        var line = JsonNode.Parse(text) as JsonObject;
        switch ((string?)line?["kind"])
        {
            case "step":
                _steps.Add(line.Deserialize(MetricsJson.Default.StepLine)!);
                break;
            case "evaluation":
                _evaluations.Add(line.Deserialize(MetricsJson.Default.EvaluationLine)!);
                break;
            case "preview":
                _previews.Add(line.Deserialize(MetricsJson.Default.PreviewLine)!);
                break;
            case "warning":
                _warnings.Add(line.Deserialize(MetricsJson.Default.WarningLine)!);
                break;
            default:
                throw new JsonException($"line {_lines} is neither a step nor an evaluation nor a preview nor a warning");
        }
    }
}
