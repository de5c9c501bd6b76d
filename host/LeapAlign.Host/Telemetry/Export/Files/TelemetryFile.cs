using System.Buffers;
using System.Text.Json;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>
/// <c>telemetry.jsonl</c> in the run folder: one OTLP message in JSON a line, as collectors read it. What comes before there is a folder waits for it. What cannot be
/// written is lost, with one warning; later lines are tried again, and the file has whole lines only.
/// </summary>
/// <param name="warn">Takes the warning, on the thread of the exporter.</param>
internal sealed class TelemetryFile(Action<Fault> warn) : IDisposable
{
    /// <summary>Its name in the run folder.</summary>
    public const string Name = "telemetry.jsonl";

    // What a run tells before it has a folder is a few lines; more than this is a run that gets none.
    private const int MostWaiting = 10_000;

    private readonly Lock _lock = new();
    private readonly List<byte[]> _waiting = [];
    private string? _path;
    private FileStream? _file;
    private bool _closed;
    private bool _warned;

    /// <summary>Opens the file.</summary>
    /// <param name="folder">The run folder.</param>
    public void Open(string folder)
    {
        lock (_lock)
        {
            if (_path is not null || _closed) return;
            _path = Path.Combine(folder, Name);
            foreach (var line in _waiting) Write(line);
            _waiting.Clear();
        }
    }

    /// <summary>Appends a line.</summary>
    /// <returns>Whether it is written, or waits for the folder.</returns>
    public bool Append(Action<Utf8JsonWriter> message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer)) message(writer);
        buffer.Write("\n"u8);
        lock (_lock)
        {
            if (_closed) return false;
            if (_path is not null) return Write(buffer.WrittenSpan);
            if (_waiting.Count == MostWaiting) return false;
            _waiting.Add(buffer.WrittenSpan.ToArray());
            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            _file?.Dispose();
        }
    }

    private bool Write(ReadOnlySpan<byte> line)
    {
        try
        {
            // Without a buffer, which would be written again when the file is closed.
            _file ??= new FileStream(_path!, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            var before = _file.Position;
            try
            {
                _file.Write(line);
                return true;
            }
            catch (Exception exception) when (RunFolder.IsRefusal(exception))
            {
                _file.SetLength(before);
                throw;
            }
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            if (!_warned) warn(new Fault.Run(FaultCodes.TelemetryNotKept, $"telemetry cannot be written: {exception.Message.TrimEnd('.')}; the run goes on, these lines are lost", new SourcePlace(_path!)));
            _warned = true;
            return false;
        }
    }
}
