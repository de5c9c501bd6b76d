using System.Diagnostics;
using System.Net.Sockets;
using Xunit;

namespace LeapAlign.Testing;

/// <summary>Things that lie in folders and are no files.</summary>
public static class SpecialFile
{
    /// <summary>Makes a named pipe.</summary>
    public static void Pipe(string path)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("named pipes in folders are of Unix");
        using var made = Process.Start(new ProcessStartInfo("mkfifo", [path]))!;
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
    }

    /// <summary>Makes a socket, which stays until it is disposed.</summary>
    public static IDisposable Socket(string path)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("sockets in folders are of Unix");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    /// <summary>Takes the right to read a file, and skips where that has no effect: for root.</summary>
    public static void Forbid(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("permissions are otherwise there");
            return;
        }
        File.SetUnixFileMode(path, UnixFileMode.None);
        try
        {
            using var opened = File.OpenHandle(path);
        }
        catch (UnauthorizedAccessException)
        {
            return;
        }
        Assert.Skip("permissions have no effect on this user");
    }
}
