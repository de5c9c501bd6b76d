using System.Runtime.Loader;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Plugins;

/// <summary>
/// Everything about a plugin's assemblies that can be known without loading one. The loader would not say any of it: it takes a second copy of a shared
/// assembly silently and reports a wrong version as a missing file.
/// </summary>
internal static class PluginPreflight
{
    // The page of the last step: who comes from further back reads it first, too.
    private const string Moved = "; docs/contract-2.md says what moved";

    /// <summary>Checks the assembly of a manifest.</summary>
    /// <returns>Null when it can be loaded.</returns>
    public static Fault? Check(string folder, PluginManifest manifest)
    {
        if (Range(folder, manifest) is { } outside) return outside;
        var path = Path.Combine(folder, manifest.Assembly);
        var place = new SourcePlace(path);
        if (!File.Exists(path)) return new Fault.Plugin(FaultCodes.BadAssembly, $"plugin '{manifest.Id}' lacks its assembly {manifest.Assembly}", place);
        if (AssemblyMetadata.Read(path) is not { } assembly)
        {
            return new Fault.Plugin(FaultCodes.BadAssembly, $"{manifest.Assembly} of plugin '{manifest.Id}' is not a .NET assembly", place);
        }
        return Contract(manifest, assembly, place) ?? Carried(folder, manifest) ?? References(path, manifest, assembly);
    }

    // What plugin.json says comes first: an old plugin is refused before anything of its assembly is looked at.
    private static Fault? Range(string folder, PluginManifest manifest)
    {
        var (name, host) = (SharedAssemblies.ContractName, SharedAssemblies.ContractVersion);
        if (manifest.ContractRange.Contains(host)) return null;
        var older = manifest.ContractRange.High is { } high && high <= new Version(host.Major, 0);
        return new Fault.Plugin(
            FaultCodes.ContractMismatch,
            $"plugin '{manifest.Id}' works with {name} {manifest.Contract}, this host carries {host.ToString(2)}{(older ? Moved : "")}",
            new(Path.Combine(folder, PluginManifest.FileName), Key: "contract"));
    }

    private static Fault? Contract(PluginManifest manifest, AssemblyMetadata assembly, SourcePlace place)
    {
        var (name, host) = (SharedAssemblies.ContractName, SharedAssemblies.ContractVersion);
        if (assembly.References.FirstOrDefault(reference => reference.Name == name) is not (not null, var built))
        {
            return new Fault.Plugin(FaultCodes.ContractMismatch, $"plugin '{manifest.Id}' does not refer to {name}; a plugin is built against it", place);
        }
        if (built.Major != host.Major || built > host)
        {
            var message = $"plugin '{manifest.Id}' was built against {name} {built}, this host carries {host}; rebuild it against {host.Major}.x{(built.Major < host.Major ? Moved : "")}";
            return new Fault.Plugin(FaultCodes.ContractMismatch, message, place);
        }
        return null;
    }

    private static Fault? Carried(string folder, PluginManifest manifest)
    {
        var copies = SharedAssemblies.Carried.Where(file => File.Exists(Path.Combine(folder, file))).ToArray();
        return copies.Length == 0
            ? null
            : new Fault.Plugin(
                FaultCodes.CarriesSharedAssembly,
                $"plugin '{manifest.Id}' carries {string.Join(", ", copies)}, which the host shares; reference it with ExcludeAssets=\"runtime;native\"",
                new(folder));
    }

    // The plugin's assembly and what it brings along, and so on; the host and the framework are whole.
    private static Fault? References(string path, PluginManifest manifest, AssemblyMetadata assembly)
    {
        var folder = Path.GetDirectoryName(path)!;
        var checkedNames = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { assembly.Name };
        var open = new Queue<AssemblyMetadata>([assembly]);
        while (open.TryDequeue(out var user))
        {
            foreach (var (name, version) in user.References)
            {
                var (found, origin) = SharedAssemblies.Provided(name) is { } provided
                    ? (provided, "the host carries")
                    : (Private(path, folder, name) is { } own ? Enqueue(own) : null, "its folder holds");
                if (found is null)
                {
                    return Missing($"plugin '{manifest.Id}' needs {name} {version} (for {user.Name}), which is neither in its folder nor shared by the host");
                }
                if (found < version) return Missing($"plugin '{manifest.Id}' needs {name} {version} (for {user.Name}), but {origin} {found}");
            }
        }
        return null;

        Version Enqueue(AssemblyMetadata own)
        {
            if (checkedNames.Add(own.Name)) open.Enqueue(own);
            return own.Version;
        }

        Fault Missing(string message) => new Fault.Plugin(FaultCodes.MissingDependency, message, new(path));
    }

    private static AssemblyMetadata? Private(string plugin, string folder, string name)
    {
        var beside = Path.Combine(folder, $"{name}.dll");
        if (File.Exists(beside)) return AssemblyMetadata.Read(beside);
        // Assets for one platform lie where the plugin's .deps.json says.
        return new AssemblyDependencyResolver(plugin).ResolveAssemblyToPath(new(name)) is { } resolved ? AssemblyMetadata.Read(resolved) : null;
    }
}
