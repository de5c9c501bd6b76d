using System.Buffers;
using System.Text.Json;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>
/// <c>telemetry.jsonl</c> in the run folder: one OTLP message in JSON a line, as collectors read it. What comes before there is a folder waits for it.
/// </summary>
internal sealed class TelemetryFile : IDisposable
{
    /// <summary>Its name in the run folder.</summary>
    public const string Name = "telemetry.jsonl";

    private readonly Lock _lock = new();
    private readonly List<byte[]> _waiting = [];
    private FileStream? _file;
    private bool _closed;

    /// <summary>Opens the file; where it cannot be written, its lines are lost and the run goes on.</summary>
    /// <param name="folder">The run folder.</param>
    public void Open(string folder)
    {
        lock (_lock)
        {
            if (_file is not null || _closed) return;
            try
            {
                _file = new FileStream(Path.Combine(folder, Name), FileMode.Append, FileAccess.Write, FileShare.Read);
                foreach (var line in _waiting) _file.Write(line);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _closed = true;
            }
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
            if (_file is null)
            {
                _waiting.Add(buffer.WrittenSpan.ToArray());
                return true;
            }
            try
            {
                _file.Write(buffer.WrittenSpan);
                _file.Flush();
                return true;
            }
            catch (IOException)
            {
                return false;
            }
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
}
