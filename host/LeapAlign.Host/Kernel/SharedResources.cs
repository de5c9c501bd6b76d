using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel;

/// <summary>What the parts of one plugin share in a run: made by whoever asks first, disposed after all parts.</summary>
internal sealed class SharedResources : ISharedResources, IDisposable
{
    private readonly Dictionary<(Type Type, string Key), object> _made = [];
    private readonly List<IDisposable> _owned = [];

    public Result<T> Get<T>(string key, Func<Result<T>> create)
        where T : class
    {
        // A type belongs to one loaded plugin, so that two plugins never meet under one key.
        var name = (typeof(T), key);
        if (_made.TryGetValue(name, out var known)) return Result.Ok((T)known);
        return create().Map(made =>
        {
            _made[name] = made;
            if (made is IDisposable disposable) _owned.Add(disposable);
            return made;
        });
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        _made.Clear();
    }
}
