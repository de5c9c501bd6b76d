using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using LeapAlign.Host.Kernel.Stages;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>
/// Where a run is, in a page of memory that outlives the process: a file without a name, which processes that it starts inherit. To write it costs a copy of some bytes.
/// </summary>
internal sealed unsafe partial class StageMark : IStageListener, IDisposable
{
    private const int Size = 4096;
    private const int StageAt = 16, PartAt = 128, WordsAt = 256;
    private const int Longest = 2048;
    private const int ExitAt = WordsAt + Longest;

    private byte* _page;

    private StageMark(int descriptor, byte* page)
    {
        Descriptor = descriptor;
        _page = page;
    }

    /// <summary>The number of the file, the same in processes that this one starts.</summary>
    public int Descriptor { get; }

    /// <summary>Makes one; null where the system has no such files.</summary>
    public static StageMark? Create()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            const int readAndWrite = 3, shared = 1;
            var descriptor = MakeFile("leapalign-stage", 0);
            if (descriptor < 0) return null;
            var page = Resize(descriptor, Size) == 0 ? Map(0, Size, readAndWrite, shared, descriptor, 0) : -1;
            if (page != -1) return new StageMark(descriptor, (byte*)page);
            _ = Close(descriptor);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library older than these files.
        }
        return null;
    }

    /// <summary>A step begins.</summary>
    /// <param name="step">From 1.</param>
    public void Begins(int step) => Number(0, step);

    /// <summary>A stage begins or comes to the front again.</summary>
    public void Entered(in Stage stage)
    {
        Text(4, StageAt, PartAt - StageAt, stage.Name);
        Text(8, PartAt, WordsAt - PartAt, stage.Reward?.Part.Name ?? "");
    }

    // Between stages the last one is the best that is known.
    void IStageListener.Left(in Stage? outer)
    {
        if (outer is { } stage) Entered(stage);
    }

    /// <summary>Why the process is about to end.</summary>
    public void Say(string words) => Text(12, WordsAt, Longest, words);

    /// <summary>The process is about to exit by itself. What the system says of that is gone as soon as whoever started the process has asked for it.</summary>
    public void Exit(int code)
    {
        Number(ExitAt + 4, code);
        Number(ExitAt, 1);
    }

    public void Dispose()
    {
        if (_page is null) return;
        _ = Unmap((nint)_page, Size);
        _page = null;
        _ = Close(Descriptor);
    }

    /// <summary>Reads what a process left.</summary>
    /// <param name="path">The file, for instance <c>/proc/self/fd/5</c>.</param>
    /// <returns>What it says; null when it cannot be read.</returns>
    public static LastWords? Read(string path)
    {
        try
        {
            var page = File.ReadAllBytes(path);
            if (page.Length < Size) return null;
            int Number(int at) => BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(at));
            return new LastWords(Number(0), Read(page, 4, StageAt), Read(page, 8, PartAt), Read(page, 12, WordsAt)) { ExitCode = Number(ExitAt) == 0 ? null : Number(ExitAt + 4) };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Read(byte[] page, int lengthAt, int at)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(lengthAt));
        return length > 0 && at + length <= page.Length ? Encoding.UTF8.GetString(page, at, length) : null;
    }

    private void Number(int at, int value)
    {
        if (_page is not null) BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(_page + at, 4), value);
    }

    private void Text(int lengthAt, int at, int room, string text)
    {
        if (_page is null) return;
        // What does not fit is left out by whole characters.
        Encoding.UTF8.GetEncoder().Convert(text, new Span<byte>(_page + at, room), flush: true, out _, out var length, out _);
        Number(lengthAt, length);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Resize(int descriptor, long size);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

/// <summary>What a process left in its mark.</summary>
/// <param name="Step">The step that was under way, from 1; 0 before the first.</param>
/// <param name="Stage">The last stage; null before the first.</param>
/// <param name="Part">The reward that scored in it.</param>
/// <param name="Words">Why it was about to end, if it knew.</param>
internal sealed record LastWords(int Step, string? Stage, string? Part, string? Words)
{
    /// <summary>The exit code with which the process was about to exit by itself; null when it was not.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Where that was.</summary>
    public override string ToString() =>
        $"{(Stage is null ? "before the first stage" : $"in the stage '{Stage}'{(Part is null ? "" : $" of '{Part}'")}")}{(Step == 0 ? ", before the first step" : FormattableString.Invariant($", step {Step}"))}";
}
