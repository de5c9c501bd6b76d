using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Plugins;

/// <summary>Plugin folders that are wrong in one way each: found before any code of theirs runs.</summary>
public sealed class PluginFolderTests
{
    [Fact]
    public void A_folder_without_manifest_and_assemblies_is_no_plugin()
    {
        using var workspace = new TestWorkspace();
        Directory.CreateDirectory(Path.Combine(workspace.Plugins, "rewards", "clip"));
        File.WriteAllText(Path.Combine(workspace.Plugins, "rewards", "clip", "plugin.json"), "{}");
        File.WriteAllText(Path.Combine(workspace.Plugins, "rewards", "notes.txt"), "sources");
        Assert.Empty(workspace.Catalog().Plugins);
    }

    [Fact]
    public void No_plugins_folder_is_no_plugins()
    {
        using var workspace = new TestWorkspace();
        Assert.Empty(workspace.Catalog().Plugins);
    }

    [Fact]
    public void Assemblies_without_a_manifest_are_a_fault()
    {
        using var workspace = new TestWorkspace();
        var folder = workspace.Drop("parts");
        File.Delete(Path.Combine(folder, "plugin.json"));
        var plugin = Assert.Single(workspace.Catalog().Plugins);
        AssertFaulted(plugin, FaultCodes.BadManifest, "plugin.json");
        Assert.Equal("parts", plugin.Id);
    }

    [Theory]
    [InlineData("\"id\": \"parts\",", "", "id", "'id' is required")]
    [InlineData("\"version\": \"1.0.0\"", "\"vershion\": \"1.0.0\"", "vershion", "did you mean 'version'?")]
    [InlineData("\"version\": \"1.0.0\"", "\"version\": 1", "version", "a text was expected")]
    [InlineData("\"assembly\": \"TestPlugins", "\"assembly\": \"../TestPlugins", "assembly", "'../TestPlugins.Parts.dll'")]
    [InlineData("[2.0,3.0)", "1.0", "contract", "range of versions")]
    [InlineData("\"kind\": \"model\"", "\"kind\": \"modle\"", "parts[0].kind", "did you mean 'model'?")]
    [InlineData("\"kind\": \"model\", \"id\": \"canvas\"", "\"kind\": \"prompts\", \"id\": \"lines\"", "parts[1]", "listed twice")]
    [InlineData("\"version\"", "\"version\"; ", null, "not JSON")]
    public void A_wrong_manifest_is_a_fault_with_its_place(string what, string replacement, string? key, string words)
    {
        using var workspace = new TestWorkspace();
        var manifest = Path.Combine(workspace.Drop("parts"), "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace(what, replacement, StringComparison.Ordinal));
        var plugin = Assert.Single(workspace.Catalog().Plugins);
        AssertFaulted(plugin, FaultCodes.BadManifest, words);
        Assert.Equal((manifest, key), (plugin.Fault!.Place!.File, plugin.Fault.Place.Key));
        Assert.True(plugin.Fault.Place.Line > 0);
    }

    [Fact]
    public void An_absent_assembly_is_a_fault()
    {
        using var workspace = new TestWorkspace();
        File.Delete(Path.Combine(workspace.Drop("parts"), "TestPlugins.Parts.dll"));
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.BadAssembly, "'parts'", "TestPlugins.Parts.dll");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(700)]
    public void A_file_that_is_no_assembly_is_a_fault(int bytesKept)
    {
        using var workspace = new TestWorkspace();
        var assembly = Path.Combine(workspace.Drop("parts"), "TestPlugins.Parts.dll");
        File.WriteAllBytes(assembly, File.ReadAllBytes(assembly)[..bytesKept]);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.BadAssembly, "not a .NET assembly");
    }

    [Fact]
    public void Another_major_version_of_the_contracts_is_a_fault()
    {
        using var workspace = new TestWorkspace();
        ReferTo(Path.Combine(workspace.Drop("parts"), "TestPlugins.Parts.dll"), "LeapAlign.Contracts", major: 3);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.ContractMismatch, "'parts'", "3.0.0.0", "2.0.0.0", "rebuild");
    }

    [Fact]
    public void An_old_plugin_is_refused_by_its_manifest_with_the_page_that_says_what_moved()
    {
        using var workspace = new TestWorkspace();
        var folder = workspace.Drop("parts");
        var manifest = Path.Combine(folder, "plugin.json");
        // Its assembly is not looked at: it may be of a kind that nobody knows any more.
        File.Delete(Path.Combine(folder, "TestPlugins.Parts.dll"));
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("[2.0,3.0)", "[1.0,2.0)", StringComparison.Ordinal));
        var plugin = Assert.Single(workspace.Catalog().Plugins);
        AssertFaulted(plugin, FaultCodes.ContractMismatch, "'parts' works with LeapAlign.Contracts [1.0,2.0), this host carries 2.0; docs/contract-2.md says what moved");
        Assert.Equal((manifest, "contract"), (plugin.Fault!.Place!.File, plugin.Fault.Place.Key));
        Assert.True(File.Exists(Path.Combine(Testing.Repository.Root, "docs", "contract-2.md")));
    }

    [Fact]
    public void An_assembly_of_contract_1_is_refused_whatever_its_manifest_says()
    {
        using var workspace = new TestWorkspace();
        ReferTo(Path.Combine(workspace.Drop("parts"), "TestPlugins.Parts.dll"), "LeapAlign.Contracts", major: 1);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.ContractMismatch, "1.0.0.0", "2.0.0.0", "rebuild", "docs/contract-2.md");
    }

    [Fact]
    public void A_range_that_this_host_is_outside_of_is_a_fault()
    {
        using var workspace = new TestWorkspace();
        var manifest = Path.Combine(workspace.Drop("parts"), "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("[2.0,3.0)", "[2.5,3.0)", StringComparison.Ordinal));
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.ContractMismatch, "[2.5,3.0)", "2.0");
    }

    [Fact]
    public void An_assembly_that_is_no_plugin_is_a_fault()
    {
        using var workspace = new TestWorkspace();
        var folder = workspace.Drop("speaks-1");
        File.Copy(Path.Combine(folder, "TestPlugins.Words.dll"), Path.Combine(folder, "TestPlugins.Speaks1.dll"), overwrite: true);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.ContractMismatch, "does not refer to LeapAlign.Contracts");
    }

    [Fact]
    public void A_missing_dependency_is_named()
    {
        using var workspace = new TestWorkspace();
        File.Delete(Path.Combine(workspace.Drop("speaks-1"), "TestPlugins.Words.dll"));
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.MissingDependency, "'speaks-1'", "TestPlugins.Words 1.0.0.0");
    }

    [Fact]
    public void A_dependency_of_an_older_version_is_named()
    {
        using var workspace = new TestWorkspace();
        var folder = workspace.Drop("speaks-2");
        File.Copy(Path.Combine(TestWorkspace.BuiltPlugins, "speaks-1", "TestPlugins.Words.dll"), Path.Combine(folder, "TestPlugins.Words.dll"), overwrite: true);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.MissingDependency, "TestPlugins.Words 2.0.0.0", "its folder holds 1.0.0.0");
    }

    [Fact]
    public void A_framework_of_the_future_is_named()
    {
        using var workspace = new TestWorkspace();
        ReferTo(Path.Combine(workspace.Drop("parts"), "TestPlugins.Parts.dll"), "System.Runtime", major: 99);
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.MissingDependency, "System.Runtime 99.0.0.0", "the host carries");
    }

    [Theory]
    [InlineData("LeapAlign.Contracts.dll")]
    [InlineData("LeapAlign.Pipeline.dll")]
    [InlineData("TorchSharp.dll")]
    [InlineData("Microsoft.Extensions.Logging.Abstractions.dll")]
    public void A_copy_of_a_shared_assembly_is_a_fault(string file)
    {
        using var workspace = new TestWorkspace();
        File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(workspace.Drop("parts"), file));
        AssertFaulted(Assert.Single(workspace.Catalog().Plugins), FaultCodes.CarriesSharedAssembly, "'parts'", file);
    }

    [Fact]
    public void Two_folders_with_the_same_part_are_both_out_of_use_and_named()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var first = workspace.Drop("parts");
        var second = workspace.Drop("parts", "parts-copy");
        workspace.Drop("speaks-1");
        var catalog = workspace.Catalog();
        var twins = catalog.Plugins.Where(plugin => plugin.Id == "parts").ToArray();
        Assert.Equal(2, twins.Length);
        Assert.All(twins, plugin => AssertFaulted(plugin, FaultCodes.DuplicatePlugin, first, second));
        workspace.Compose(catalog).Fault(FaultCodes.DuplicatePlugin, first, second);
        Assert.Equal(PluginState.Verified, catalog.Plugins.Single(plugin => plugin.Id == "speaks-1").State);
    }

    [Fact]
    public void A_broken_copy_takes_nothing_from_the_good_one()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        File.Delete(Path.Combine(workspace.Drop("parts", "parts-copy"), "TestPlugins.Parts.dll"));
        var catalog = workspace.Catalog();
        workspace.Compose(catalog).Value();
        Assert.Equal(1, catalog.Plugins.Count(plugin => plugin.State == PluginState.Faulted));
    }

    [Fact]
    public void A_folder_of_the_name_that_is_asked_for_says_what_is_wrong_with_it()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        File.WriteAllText(Path.Combine(workspace.Drop("speaks-1"), "plugin.json"), "{");
        workspace.Compose(workspace.Catalog(), "algorithm=free", "rewards=[\"speaks-1\"]").Fault(FaultCodes.BadManifest, "speaks-1", "not JSON");
    }

    [Fact]
    public void A_faulted_plugin_stops_a_run_only_when_it_is_needed()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        File.Delete(Path.Combine(workspace.Drop("speaks-1"), "TestPlugins.Words.dll"));
        workspace.Compose(workspace.Catalog()).Value();
        workspace.Compose(workspace.Catalog(), "algorithm=free", "rewards=[\"speaks-1\"]").Fault(FaultCodes.MissingDependency, "speaks-1");
    }

    private static void AssertFaulted(PluginHandle plugin, string code, params string[] words)
    {
        Assert.Equal(PluginState.Faulted, plugin.State);
        Assert.Equal(code, plugin.Fault!.Code);
        Assert.Equal(3, plugin.Fault.ExitCode);
        foreach (var word in words) Assert.Contains(word, plugin.Fault.ToString(), StringComparison.Ordinal);
        // Every later step repeats the reason instead of doing anything.
        Assert.Equal(plugin.Fault, PluginCatalog.Prepare(plugin).Fault());
        Assert.True(plugin.IsCollected);
    }

    // Makes an assembly that was built against another version of something, by the version in its table of references.
    private static void ReferTo(string path, string name, ushort major)
    {
        var image = File.ReadAllBytes(path);
        using var reader = new PEReader(new MemoryStream(image));
        var metadata = reader.GetMetadataReader();
        var row = metadata.AssemblyReferences.Single(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name) == name);
        var offset = reader.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(TableIndex.AssemblyRef)
            + ((MetadataTokens.GetRowNumber(row) - 1) * metadata.GetTableRowSize(TableIndex.AssemblyRef));
        BitConverter.TryWriteBytes(image.AsSpan(offset), major);
        File.WriteAllBytes(path, image);
        Assert.Equal(major, AssemblyMetadata.Read(path)!.References.Single(reference => reference.Name == name).Version.Major);
    }
}
