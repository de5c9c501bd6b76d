using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace LeapAlign.Contracts.Plugins;

/// <summary>How records of settings are read, whatever options their <c>JsonSerializerContext</c> was declared with.</summary>
public static class SettingsType
{
    private const BindingFlags Unwrapped = BindingFlags.DoNotWrapExceptions;

    /// <summary>
    /// The same type, read strictly: unknown and repeated keys are errors, numbers are not strings, and a key that is absent keeps the value that the
    /// record's initializer gave it. Source-generated metadata treats <c>init</c> properties as constructor parameters and would set an absent one to
    /// zero or null instead.
    /// </summary>
    /// <typeparam name="T">A record of settings.</typeparam>
    /// <param name="type">From a <c>JsonSerializerContext</c>.</param>
    public static JsonTypeInfo<T> Strict<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (type.OriginatingResolver is not { } resolver) return type;
        var options = new JsonSerializerOptions(type.Options)
        {
            TypeInfoResolver = resolver.WithAddedModifier(KeepInitializers),
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            NumberHandling = JsonNumberHandling.Strict,
            RespectNullableAnnotations = true,
            AllowDuplicateProperties = false,
        };
        return (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
    }

    private static void KeepInitializers(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object || type.CreateObject is not null) return;
        if (type.Type.GetConstructor(Type.EmptyTypes) is not { } constructor) return;
        type.CreateObject = () => constructor.Invoke(Unwrapped, binder: null, parameters: null, culture: null);
        foreach (var property in type.Properties)
        {
            if (property.AttributeProvider is PropertyInfo { CanWrite: true } member)
            {
                property.Set = (settings, value) => member.SetValue(settings, value, Unwrapped, binder: null, index: null, culture: null);
            }
        }
    }
}
