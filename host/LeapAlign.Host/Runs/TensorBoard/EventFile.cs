using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Tensorboard;

namespace LeapAlign.Host.Runs.TensorBoard;

/// <summary>
/// A file that TensorBoard reads: records of a length, its checksum, an <c>Event</c> message and its checksum. Checksums are CRC-32C, rotated and shifted as the
/// TFRecord format asks for.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const string Stem = "events.out.tfevents";
    private readonly FileStream _file;
    private readonly TimeProvider _time;

    private EventFile(FileStream file, TimeProvider time) => (_file, _time) = (file, time);

    /// <summary>Begins a file in a folder that other files may lie in: a run that goes on adds one.</summary>
    /// <param name="run">The run; its folder of event files is made when it is not there.</param>
    /// <param name="step">The first step that will be written. TensorBoard forgets this and later steps of the files before.</param>
    /// <param name="time">The clock.</param>
    public static Result<EventFile> Create(RunFolder run, long step, TimeProvider time)
    {
        var folder = run.Events;
        var path = folder;
        try
        {
            run.Disk.MakeFolder(folder);
            var before = Directory.EnumerateFiles(folder, $"{Stem}.*").Select(NumberOf).ToList();
            var goesOn = before.Count > 0;
            // Files are read in the order of their names: a new one comes last, also within a millisecond, or when the clock was set back.
            path = PathOf(folder, Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), goesOn ? before.Max() + 1 : 0));
            var made = new EventFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0), time);
            made.Write(new Event { FileVersion = "brain.Event:2" });
            if (goesOn) made.Write(new Event { Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
            return made;
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            return RunFolder.CannotWrite(path, exception);
        }
    }

    /// <summary>Appends what was measured at a step.</summary>
    public Result<Unit> Append(long step, Summary summary)
    {
        try
        {
            Write(new Event { Step = step, Summary = summary });
            return Unit.Value;
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            return RunFolder.CannotWrite(_file.Name, exception);
        }
    }

    public void Dispose() => _file.Dispose();

    private static string PathOf(string folder, long number) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Stem}.{number:D13}.leapalign"));

    // 0 for a file that something else wrote.
    private static long NumberOf(string path) =>
        Path.GetFileName(path).Split('.') is [.., var number, "leapalign"] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var found) ? found : 0;

    private void Write(Event entry)
    {
        entry.WallTime = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        var message = entry.ToByteArray();
        var record = new byte[sizeof(ulong) + sizeof(uint) + message.Length + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(sizeof(ulong)), Checksum(record.AsSpan(0, sizeof(ulong))));
        message.CopyTo(record.AsSpan(sizeof(ulong) + sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(record.Length - sizeof(uint)), Checksum(message));
        // One write for each record, so that a reader never sees half of one.
        _file.Write(record);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        const uint shift = 0xa282ead8;
        var remainder = uint.MaxValue;
        foreach (var value in bytes) remainder = BitOperations.Crc32C(remainder, value);
        return unchecked(BitOperations.RotateRight(~remainder, 15) + shift);
    }
}
