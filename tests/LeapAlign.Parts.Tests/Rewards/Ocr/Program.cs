namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>A program that reads pictures, as a shell script in a folder of its own.</summary>
internal sealed class Program : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-ocr-");

    /// <summary>Writes a program.</summary>
    /// <param name="script">What it does; <c>$HERE</c> is its folder.</param>
    public Program(string script)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("the programs of these tests are shell scripts");
        Path = At("read.sh");
        File.WriteAllText(Path, $"#!/bin/sh\nHERE='{Folder}'\n{script}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string Path { get; }

    public string Folder => _folder.FullName;

    public string At(string name) => System.IO.Path.Combine(Folder, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
