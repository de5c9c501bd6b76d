using System.Diagnostics;
using System.Runtime.Loader;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Tests.Commands;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Pins;

/// <summary>A plugin that is not the one that is pinned: refused before anything of it is loaded, by every verb.</summary>
public sealed class PinTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid.Replace("\"smooth\"", "\"speaks-1\"", StringComparison.Ordinal).Replace("\"direct\"", "\"free\"", StringComparison.Ordinal));
    private readonly string _folder;

    public PinTests()
    {
        _workspace.Drop("parts");
        _folder = _workspace.Drop("speaks-1");
    }

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_fingerprint_is_that_of_common_tools()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("the tools that compute it are of Linux");
        Directory.CreateDirectory(Path.Combine(_folder, "runtimes", "linux"));
        File.WriteAllText(Path.Combine(_folder, "runtimes", "linux", "a\\b\n\rc.so"), "native");
        File.WriteAllText(Path.Combine(_folder, "runtimes", ".hidden"), "");
        File.WriteAllText(Path.Combine(_folder, "runtimes-é.txt"), "");
        var start = new ProcessStartInfo("bash", ["-c", "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"]) { WorkingDirectory = _folder, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        Assert.StartsWith(Fingerprint(), process.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<string>> Changes => new()
    {
        { "a byte of the assembly", static folder => Touch(Path.Combine(folder, "TestPlugins.Speaks1.dll")) },
        { "a byte of a private dependency", static folder => Touch(Path.Combine(folder, "TestPlugins.Words.dll")) },
        { "the manifest", static folder => File.AppendAllText(Path.Combine(folder, "plugin.json"), " ") },
        { "another file", static folder => File.WriteAllBytes(Path.Combine(folder, "TestPlugins.More.dll"), []) },
        { "another file in a folder", static folder => File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "de")).FullName, "x.resources.dll"), "") },
        { "a file less", static folder => File.Delete(Path.Combine(folder, "TestPlugins.Speaks1.deps.json")) },
        { "another name", static folder => File.Move(Path.Combine(folder, "TestPlugins.Speaks1.pdb"), Path.Combine(folder, "TestPlugins.Speaks2.pdb")) },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Whatever_changes_in_the_folder_it_is_refused_before_anything_of_it_is_loaded(string what, Action<string> change)
    {
        Assert.Equal(0, new TestTerminal().Run("none", "pin", "-c", _workspace.Config));
        Assert.Equal(0, new TestTerminal().Run("none", "validate", "-c", _workspace.Config));
        var pinned = Fingerprint();
        change(_folder);

        var terminal = new TestTerminal();
        Assert.Equal(3, terminal.Run("none", "validate", "-c", _workspace.Config));
        Assert.Contains($"error LA2008: {_workspace.Config}(6,", terminal.Error, StringComparison.Ordinal);
        Assert.Contains($"rewards[0].sha256: the folder of plugin 'speaks-1' has the SHA-256 {Fingerprint()}", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(pinned, terminal.Error, StringComparison.Ordinal);
        var catalog = _workspace.Catalog();
        _workspace.Compose(catalog).Fault(FaultCodes.PinMismatch, "speaks-1");
        AssertNothingLoaded(catalog, what);
    }

    [Fact]
    public void A_pin_speaks_for_every_part_of_its_plugin_whichever_is_read_first()
    {
        _workspace.Write(TestWorkspace.Valid.Replace("\"descent\"", $"{{ \"id\": \"descent\", \"sha256\": \"{new string('0', 64)}\" }}", StringComparison.Ordinal));
        var catalog = _workspace.Catalog();
        Assert.Equal("optimizer.sha256", _workspace.Compose(catalog).Fault(FaultCodes.PinMismatch, "'parts'").Place!.Key);
        AssertNothingLoaded(catalog, "parts");
    }

    [Theory]
    [InlineData("list", 0)]
    [InlineData("settings", 3, "speaks-1")]
    [InlineData("schema", 0, "--output", "/dev/null/none")]
    [InlineData("doctor", 1)]
    [InlineData("train", 3)]
    public void No_verb_runs_code_of_a_plugin_that_is_pinned_to_another(string verb, int code, params string[] arguments)
    {
        // This plugin says so when its code runs: it throws.
        _workspace.Drop("throws-in-constructor");
        _workspace.Write(TestWorkspace.Valid.Replace("\"smooth\"", $"{{ \"id\": \"never-made\", \"sha256\": \"{new string('0', 64)}\" }}", StringComparison.Ordinal));
        if (verb == "settings") arguments = ["never-made"];
        if (verb == "schema") arguments = ["--output", Path.Combine(_workspace.Folder, "schema.json")];
        var terminal = new TestTerminal();
        Assert.Equal(code, terminal.Run("none", [verb, .. arguments, "-c", _workspace.Config]));
        Assert.Contains("LA2008", terminal.Output + terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("LA2007", terminal.Output + terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pin_of_the_command_line_counts_too()
    {
        _workspace.Compose(_workspace.Catalog(), $"rewards.0.sha256={Fingerprint().ToUpperInvariant()}").Value();
        _workspace.Compose(_workspace.Catalog(), $"rewards.0.sha256={new string('0', 64)}").Fault(FaultCodes.PinMismatch, "--set", "speaks-1");
    }

    [Fact]
    public void What_lies_outside_of_the_folder_cannot_be_pinned()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("links need a privilege elsewhere");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "runtimes"), _workspace.Folder);
        Refused("links to a folder outside of it with 'runtimes'");
        Directory.Delete(Path.Combine(_folder, "runtimes"));
        File.WriteAllText(Path.Combine(_folder, "TestPlugins.Speaks1.runtimeconfig.dev.json"), """{ "runtimeOptions": { "additionalProbingPaths": ["/elsewhere"] } }""");
        Refused("TestPlugins.Speaks1.runtimeconfig.dev.json");
        File.Delete(Path.Combine(_folder, "TestPlugins.Speaks1.runtimeconfig.dev.json"));
        // A link to a file is what the file is.
        var library = Path.Combine(_folder, "TestPlugins.Words.dll");
        var before = Fingerprint();
        File.Move(library, Path.Combine(_workspace.Folder, "words"));
        File.CreateSymbolicLink(library, Path.Combine(_workspace.Folder, "words"));
        Assert.Equal(before, Fingerprint());
        File.Delete(Path.Combine(_workspace.Folder, "words"));
        Refused("cannot be read");

        void Refused(string words)
        {
            PluginFingerprint.Of(Plugin()).Fault(FaultCodes.PinMismatch, "'speaks-1'", words);
            _workspace.Compose(_workspace.Catalog(), $"rewards.0.sha256={new string('0', 64)}").Fault();
        }
    }

    private PluginHandle Plugin() => _workspace.Catalog().Plugins.Single(static plugin => plugin.Id == "speaks-1");

    private string Fingerprint() => PluginFingerprint.Of(Plugin()).Value();

    private void AssertNothingLoaded(PluginCatalog catalog, string what)
    {
        Assert.All(catalog.Plugins, plugin => Assert.True(plugin.State == PluginState.Verified, $"{what}: {plugin.Id} is {plugin.State}"));
        var loaded = AssemblyLoadContext.All.SelectMany(static context => context.Assemblies).Concat(AppDomain.CurrentDomain.GetAssemblies())
            .Where(assembly => !assembly.IsDynamic && assembly.Location.StartsWith(_workspace.Plugins, StringComparison.Ordinal));
        Assert.Empty(loaded);
    }

    private static void Touch(string file)
    {
        var bytes = File.ReadAllBytes(file);
        // A byte that no check of metadata looks at: the time stamp of the image.
        bytes[BitConverter.ToInt32(bytes, 0x3c) + 8] ^= 1;
        File.WriteAllBytes(file, bytes);
    }
}
