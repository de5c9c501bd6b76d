using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Telemetry;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Plugins;

/// <summary>A plugin and its life: one method for each arrow between <see cref="PluginState"/>s, each with a span.</summary>
internal sealed class PluginHandle
{
    private static readonly ActivitySource s_spans = new(SourceNames.Life);

    private readonly IPluginLoader _loader;
    private ILoadedPlugin? _loaded;
    private IPlugin? _plugin;
    private IReadOnlyList<PartDefinition> _parts = [];
    private WeakReference? _context;
    private PluginTelemetry? _telemetry;

    /// <summary>A plugin whose manifest was read.</summary>
    public PluginHandle(string folder, PluginManifest manifest, IPluginLoader loader) =>
        (Folder, Manifest, Id, _loader) = (folder, manifest, manifest.Id, loader);

    /// <summary>A folder whose manifest could not be read.</summary>
    public PluginHandle(string folder, Fault fault, IPluginLoader loader)
    {
        (Folder, Id, _loader) = (folder, Path.GetFileName(folder), loader);
        Fail(fault);
    }

    /// <summary>The full path of the plugin's folder.</summary>
    public string Folder { get; }

    /// <summary>The id of the manifest, or the folder's name when there is none.</summary>
    public string Id { get; }

    /// <summary>The manifest; null when it could not be read.</summary>
    public PluginManifest? Manifest { get; }

    /// <summary>Where the plugin is in its life.</summary>
    public PluginState State { get; private set; }

    /// <summary>Why the plugin is faulted.</summary>
    public Fault? Fault { get; private set; }

    /// <summary>The plugin's spans and measurements, until it is unloaded.</summary>
    public PluginTelemetry Telemetry => _telemetry ??= new PluginTelemetry(Id, Manifest?.Version);

    /// <summary>Whether plugin.json lists a part.</summary>
    public bool Lists(string kind, string id) => Manifest?.Parts.Any(part => part.Kind == kind && part.Id == id) ?? false;

    /// <summary>Checks the assemblies without loading them.</summary>
    public Result<Unit> Verify() => Advance(PluginState.Discovered, PluginState.Verified, () =>
        PluginPreflight.Check(Folder, Manifest!) is { } fault ? Result.Fail<Unit>(fault) : Unit.Value);

    /// <summary>Compares the folder with the one that plugins.json pins.</summary>
    /// <param name="pin">SHA-256 in hexadecimal digits.</param>
    /// <param name="place">Where plugins.json says it.</param>
    public Result<Unit> CheckPin(string pin, SourcePlace place) => PluginFingerprint.Of(this).Bind(found => found.Equals(pin, StringComparison.OrdinalIgnoreCase)
        ? Unit.Value
        : Result.Fail<Unit>(new Fault.Plugin(FaultCodes.PinMismatch, $"the folder of plugin '{Id}' has the SHA-256 {found}, which is not the one that is pinned", place)));

    /// <summary>The SHA-256 of the plugin's assembly, in lower-case hexadecimal digits.</summary>
    public string Sha256()
    {
        using var file = File.OpenRead(Path.Combine(Folder, Manifest!.Assembly));
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Loads the assembly and makes its plugin object.</summary>
    public Result<Unit> Load() => Advance(PluginState.Verified, PluginState.Loaded, () => Guard("its constructor", () =>
    {
        _loaded = _loader.Load(Path.Combine(Folder, Manifest!.Assembly));
        _context = _loaded.Context;
        var types = _loaded.Assembly.GetExportedTypes().Where(type => typeof(IPlugin).IsAssignableFrom(type) && !type.IsAbstract).ToArray();
        if (types.Length != 1 || types[0].GetConstructor(Type.EmptyTypes) is not { } constructor)
        {
            var message = $"{Manifest.Assembly} of plugin '{Id}' has {types.Length} public classes that implement IPlugin; exactly one, with a constructor without parameters, is expected";
            return new Fault.Plugin(FaultCodes.BadAssembly, message, new(Folder));
        }
        _plugin = (IPlugin)constructor.Invoke(BindingFlags.DoNotWrapExceptions, binder: null, parameters: null, culture: null);
        return Result.Ok(Unit.Value);
    }));

    /// <summary>Asks the plugin for its parts and compares them with the manifest.</summary>
    public Result<Unit> Configure() => Advance(PluginState.Loaded, PluginState.Configured, () => Guard("Parts", () =>
    {
        _parts = [.. _plugin!.Parts];
        var listed = Manifest!.Parts.Select(part => $"{part.Kind} '{part.Id}'").ToHashSet(StringComparer.Ordinal);
        var offered = _parts.Select(part => $"{part.Kind} '{part.Id}'").ToHashSet(StringComparer.Ordinal);
        if (listed.SetEquals(offered) && offered.Count == _parts.Count) return Result.Ok(Unit.Value);

        var message = $"plugin '{Id}' lists {string.Join(", ", listed.Order())} but its code offers {string.Join(", ", _parts.Select(part => $"{part.Kind} '{part.Id}'").Order())}";
        return new Fault.Plugin(FaultCodes.BadManifest, message, new(Path.Combine(Folder, PluginManifest.FileName), Key: "parts"));
    }));

    /// <summary>A run uses the plugin.</summary>
    public Result<Unit> Compose() => Advance(PluginState.Configured, PluginState.Composed, static () => Unit.Value);

    /// <summary>The run begins; parts are made from here on.</summary>
    public Result<Unit> Run() => Advance(PluginState.Composed, PluginState.Running, static () => Unit.Value);

    /// <summary>The run has ended and its parts are disposed.</summary>
    public Result<Unit> Stop() => Advance(PluginState.Running, PluginState.Stopped, static () => Unit.Value);

    /// <summary>Unloads the load context, from any state; a faulted plugin stays listed as faulted. <see cref="IsCollected"/> tells whether it was collected.</summary>
    public void Unload()
    {
        using var span = s_spans.StartActivity("plugin.Unloaded")?.SetTag(Tags.Plugin.Name, Id);
        _telemetry?.Dispose();
        _telemetry = null;
        _plugin = null;
        _parts = [];
        _loaded?.Dispose();
        _loaded = null;
        if (State != PluginState.Faulted) State = PluginState.Unloaded;
    }

    /// <summary>Whether nothing of the plugin is in memory.</summary>
    public bool IsCollected => _loaded is null && _context is not { IsAlive: true };

    /// <summary>A part of a configured plugin.</summary>
    public PartDefinition Part(string kind, string id) => _parts.Single(part => part.Kind == kind && part.Id == id);

    /// <summary>Runs code of the plugin. What it throws becomes LA2007, and only its text is kept: an exception would hold the load context.</summary>
    /// <param name="step">The step, as the sentence <c>plugin 'x' threw in step</c> names it.</param>
    /// <param name="code">The code.</param>
    public Result<T> Guard<T>(string step, Func<Result<T>> code)
    {
        try
        {
            return code();
        }
        catch (FaultException expected)
        {
            return expected.Fault;
        }
        catch (FileNotFoundException missing) when (missing.FileName is { } file && file.Contains(", Version=", StringComparison.Ordinal))
        {
            return Fail(new Fault.Plugin(FaultCodes.MissingDependency, $"plugin '{Id}' needs {file} in {step}, which was not found", new(Folder)));
        }
        catch (Exception thrown)
        {
            return Fail(thrown.ToFault((type, message) => new Fault.Plugin(FaultCodes.PluginThrew, $"plugin '{Id}' threw in {step}: {type}: {message}", new(Folder))));
        }
    }

    /// <summary>Searches for what the plugin could offer; what it throws then has no consequence for it, because the run does not use it.</summary>
    public T Unharmed<T>(Func<T> search)
    {
        var (state, fault) = (State, Fault);
        try
        {
            return search();
        }
        finally
        {
            (State, Fault) = (state, fault);
        }
    }

    /// <summary>Takes the plugin out of use.</summary>
    public Fault Fail(Fault fault)
    {
        State = PluginState.Faulted;
        return Fault ??= fault;
    }

    private Result<Unit> Advance(PluginState from, PluginState to, Func<Result<Unit>> action)
    {
        if (Fault is { } before) return Result.Fail<Unit>(before);
        if (State != from) throw new InvalidOperationException($"plugin '{Id}' is {State}; only a plugin that is {from} becomes {to}");
        using var span = s_spans.StartActivity($"plugin.{to}")?.SetTag(Tags.Plugin.Name, Id);
        if (!action().TryGet(out _, out var fault))
        {
            span?.Fail(fault);
            return Result.Fail<Unit>(Fail(fault));
        }
        State = to;
        return Unit.Value;
    }
}
