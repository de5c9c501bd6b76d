namespace LeapAlign.Host.Commands.Streams;

/// <summary>
/// A standard stream to which a write never fails: a full disk, a reader or a terminal that has gone lose what is written, and nothing else. Each write is tried, so
/// that the output goes on where the disk has room again.
/// </summary>
/// <param name="inner">Where bytes go.</param>
/// <param name="lost">Why nothing arrives from the beginning; null where it is open.</param>
internal sealed class LastingStream(Stream inner, string? lost = null) : Stream
{
    private volatile string? _lost = lost;

    /// <summary>Why bytes were lost, by the first that were; null while all have arrived.</summary>
    public string? Lost => _lost;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (Exception exception) when (IsLoss(exception))
        {
            _lost ??= exception.Message.TrimEnd('.');
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            inner.Flush();
        }
        catch (Exception exception) when (IsLoss(exception))
        {
            _lost ??= exception.Message.TrimEnd('.');
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // A closed descriptor is a denied access to .NET, and a file at the limit of its size (ulimit -f) an argument that is out of range.
    private static bool IsLoss(Exception exception) => exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException or ObjectDisposedException or NotSupportedException;
}
