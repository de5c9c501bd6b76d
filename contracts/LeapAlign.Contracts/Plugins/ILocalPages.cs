using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Plugins;

/// <summary>
/// Pages that parts show to people at this machine. The host listens to 127.0.0.1 alone, at an address that holds a secret, and refuses what comes without it, under another name
/// or from another page; what gets through is the part's to answer.
/// </summary>
public interface ILocalPages
{
    /// <summary>Begins to serve, and tells the user the address.</summary>
    /// <param name="purpose">What people do there, as the end of "... at http://...": <c>votes are given</c>.</param>
    /// <param name="port">The port of 127.0.0.1; 0 takes any that is free.</param>
    /// <param name="answer">Answers a request. Any thread calls it, several at a time, and it waits for nobody. What it throws is a warning and status 500.</param>
    /// <returns><see cref="FaultCodes.PageNotServed"/> when it cannot listen there.</returns>
    Result<ILocalPage> Serve(string purpose, int port, Func<PageRequest, PageAnswer> answer);
}

/// <summary>A page that is served until it is disposed.</summary>
public interface ILocalPage : IDisposable
{
    /// <summary>Where it is, for a browser of this machine, with the secret and a slash behind it. It belongs into no log.</summary>
    string Address { get; }

    /// <summary>
    /// Says that the run waits for people at this page, until what is returned is disposed. The user is told where; the time does not count for <c>guard.stageSeconds</c>. Who waits observes
    /// <see cref="PartContext.Stop"/>.
    /// </summary>
    /// <param name="what">What is waited for, as the end of "... waits for": <c>6 votes</c>.</param>
    IDisposable Await(string what);
}

/// <summary>A request that was let in.</summary>
/// <param name="path">What stands behind the secret: empty for the page itself.</param>
/// <param name="isPost">Whether it may change something. Its body is then JSON, or claims to be; without, it is a GET.</param>
/// <param name="body">At most 64 KiB.</param>
public sealed class PageRequest(string path, bool isPost, ReadOnlyMemory<byte> body)
{
    /// <summary>What stands behind the secret, without a slash before it and without a query.</summary>
    public string Path { get; } = path;

    /// <summary>Whether it may change something.</summary>
    public bool IsPost { get; } = isPost;

    /// <summary>Empty for a GET.</summary>
    public ReadOnlyMemory<byte> Body { get; } = body;
}

/// <summary>An answer.</summary>
/// <param name="status">The status of HTTP.</param>
/// <param name="type">What it is, <c>text/html</c> for instance; text is UTF-8.</param>
/// <param name="body">Its bytes.</param>
public sealed class PageAnswer(int status, string type, ReadOnlyMemory<byte> body)
{
    /// <summary>The status of HTTP.</summary>
    public int Status { get; } = status;

    /// <summary>The media type.</summary>
    public string Type { get; } = type;

    /// <summary>Its bytes.</summary>
    public ReadOnlyMemory<byte> Body { get; } = body;
}

// The pages of a part that was made without a host: a test, an example.
internal sealed class Unserved : ILocalPages
{
    public Result<ILocalPage> Serve(string purpose, int port, Func<PageRequest, PageAnswer> answer) =>
        new Fault.Configuration(FaultCodes.PageNotServed, "there is no host that could show a page");
}
